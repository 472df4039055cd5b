"""Validates values against JSON Schemas where no grammar has enforced them.

The client writes the schema, so nothing is fetched for it, and its work is bounded.
"""

from __future__ import annotations

from jsonschema_rs import FancyRegexOptions, ValidationError, ValidationErrorKind, Validator

from gateway.chat.json import Json, Object, json_text
from gateway.lru import LRUCache
from gateway.schema.metaschema import draft_of
from gateway.schema.validation_limits import (
    MAX_BACKTRACKS,
    UncheckedSchema,
    limit_compilation,
    limit_validation,
)

MAX_CACHED = 4 * 2**20  # characters of compiled schemas
MAX_REASON = 200  # characters of a reason

# These formats are annotations here (JSON Schema 2020-12, 7.2.1): many models write dates without
# a time zone, and relative URIs. A grammar that enforces them does not need this check.
_ANNOTATIONS = (
    *("date-time", "duration", "hostname", "uri", "uri-reference", "uri-template"),
    *("iri", "iri-reference", "json-pointer", "relative-json-pointer"),
)
_FORMATS = dict.fromkeys(_ANNOTATIONS, lambda _: True)


def is_valid(schema: Json, value: Json) -> bool:
    """Whether `value` is known to be valid under `schema`."""
    try:
        return violation(schema, value) is None
    except UncheckedSchema:
        return False


def violation(schema: Json, value: Json) -> str | None:
    """Where and how `value` violates `schema`, as `at /a/0: ...`; None if it is valid.

    Raises UncheckedSchema if `value` can't be validated against `schema`.
    """
    return validator(schema).violation(value)


def validator(schema: Json) -> SchemaValidator:
    """`schema` compiled; raises UncheckedSchema if it can't be."""
    root = schema if isinstance(schema, dict) else {} if schema is not False else {"not": {}}
    try:
        text = json_text(root)
    except RecursionError as error:
        raise UncheckedSchema("the schema is nested too deep") from error
    compiled = _compiled.get(text)
    if compiled is None:
        try:
            compiled = SchemaValidator(root)
        except UncheckedSchema as error:
            compiled = error
        _compiled[text] = compiled
    if isinstance(compiled, UncheckedSchema):
        raise UncheckedSchema(*compiled.args)
    return compiled


class SchemaValidator:
    """Validates values against one schema; raises UncheckedSchema if it can't be compiled."""

    def __init__(self, schema: Object):
        limit_compilation(schema)
        self._schema = schema
        self._validator = _compile(schema)

    def violation(self, value: Json) -> str | None:
        """Where and how `value` violates the schema; raises UncheckedSchema as above."""
        limit_validation(self._schema, value)
        try:
            self._validator.validate(value)
        except ValidationError as error:
            if isinstance(error.kind, _ENGINE_FAILURES):
                raise UncheckedSchema(error.message[:MAX_REASON]) from error
            where = "".join(f"/{step}" for step in error.instance_path) or "/"
            return f"at {where}: {error.message[:MAX_REASON]}"
        except (ValueError, OverflowError, RecursionError) as error:
            raise UncheckedSchema(f"{error}"[:MAX_REASON]) from error
        return None


_compiled: LRUCache[SchemaValidator | UncheckedSchema] = LRUCache(MAX_CACHED)

_ENGINE_FAILURES = (
    ValidationErrorKind.BacktrackLimitExceeded,
    ValidationErrorKind.RegexEngineFailure,
)


def _compile(schema: Object) -> Validator:
    try:
        return draft_of(schema)(
            {key: value for key, value in schema.items() if key != "$schema"},
            formats=_FORMATS,
            validate_formats=True,
            offline=True,
            pattern_options=FancyRegexOptions(backtrack_limit=MAX_BACKTRACKS),
        )
    except ValidationError as error:
        raise UncheckedSchema(error.message[:MAX_REASON]) from error
    except (ValueError, RecursionError) as error:
        raise UncheckedSchema(f"{error}"[:MAX_REASON]) from error
