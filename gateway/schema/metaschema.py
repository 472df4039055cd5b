"""Checks a JSON Schema against the metaschema of its draft: 4, 6, 7, 2019-09 or 2020-12."""

from __future__ import annotations

import json
from collections.abc import Iterator

from jsonschema_rs import (
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
    ValidationError,
    Validator,
    meta,
    validator_cls_for,
)

from gateway.chat.json import Object
from gateway.lru import LRUCache
from gateway.schema.refs import pointer_step

MAX_CACHED = 8 * 2**20  # characters of valid schemas
MAX_REASON = 200  # characters of an error's reason: the library quotes whole values

_METASCHEMAS: dict[type[Validator], str] = {
    Draft4Validator: "http://json-schema.org/draft-04/schema#",
    Draft6Validator: "http://json-schema.org/draft-06/schema#",
    Draft7Validator: "http://json-schema.org/draft-07/schema#",
    Draft201909Validator: "https://json-schema.org/draft/2019-09/schema",
    Draft202012Validator: "https://json-schema.org/draft/2020-12/schema",
}
_DRAFT_3 = "http://json-schema.org/draft-03/schema"

_valid: LRUCache[bool] = LRUCache(MAX_CACHED)


def schema_error(schema: Object, text: str) -> tuple[str, str] | None:
    """The JSON pointer and the reason of an error in `schema`; None if `schema` is valid.

    `text` is the JSON text of `schema`. Draft 3 has no metaschema here: such a schema is accepted.
    """
    if _valid.get(text):
        return None
    errors = [error for _, error in _drafts(schema)]
    if None not in errors:
        return errors[0]
    _valid[text] = True
    return None


def draft_of(schema: Object) -> type[Validator]:
    """The draft that `schema` is written in.

    A schema that declares none is read as 2020-12, and as draft 7 where it is invalid there: many
    schemas are draft 7 without declaring it. A draft that is not known is read as 2020-12.
    """
    found = [draft for draft, error in _drafts(schema) if error is None]
    return found[0] if found else Draft202012Validator


def _drafts(schema: Object) -> Iterator[tuple[type[Validator], tuple[str, str] | None]]:
    """The drafts that `schema` may be in, each with its error; the last one may have none."""
    declared = schema.get("$schema")
    possible = [Draft202012Validator, Draft7Validator]
    for draft in possible if declared is None else [validator_cls_for({"$schema": declared})]:
        error = _error(schema, draft)
        yield draft, error
        if error is None:
            return


def _error(schema: Object, draft: type[Validator]) -> tuple[str, str] | None:
    declared = schema.get("$schema")
    if isinstance(declared, str) and declared.startswith(_DRAFT_3):
        return None
    if declared is None or isinstance(declared, str):
        # Left as it is, a `$schema` that the library does not know would be fetched.
        schema = {**schema, "$schema": _METASCHEMAS[draft]}
    try:
        meta.validate(schema)
    except ValidationError as error:
        return pointer(error.instance_path), error.message[:MAX_REASON]
    except UnicodeError:
        return _error(_encodable(schema), draft)
    return None


def _encodable(schema: Object) -> Object:
    """`schema` with `?` for each lone surrogate, which can't be encoded in UTF-8."""
    text = json.dumps(schema, ensure_ascii=False)
    replaced: Object = json.loads(text.encode("utf-8", "replace"))
    return replaced


def pointer(path: list[str | int]) -> str:
    """The JSON pointer of `path`, as a URI fragment."""
    return "#" + "".join(f"/{pointer_step(str(step))}" for step in path)
