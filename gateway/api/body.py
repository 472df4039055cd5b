"""Reads the body of a request as one of a dialect's types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, TypeAlias, TypeVar

import msgspec
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from gateway.api.body_size import check, check_structure
from gateway.api.unknown_fields import unknown_fields
from gateway.chat.json import Json, has_more_structure, without_lone_surrogates
from gateway.config.limits import Limits
from gateway.errors import BadRequest
from gateway.observe.trace import current

INT32_MAX = 2**31 - 1
MAX_SHOWN = 60  # characters of a wrong value in an error
MAX_NESTED = 100_000  # brackets, commas and strings of JSON within a string


class Body(BaseModel):
    """A body, or a part of one. Wrong types are rejected, unknown fields ignored."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, strict=True)


class RequestBody(Body):
    """A whole body.

    A field that is `unsupported` is rejected with the reason, and so is one whose name resembles
    that of a known field. Other unknown fields are noted in the request's trace.
    """

    unsupported: ClassVar[dict[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def check_fields(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        for key, why in cls.unsupported.items():
            if data.get(key) not in (None, [], {}, ""):
                raise BadRequest(f"{key!r} is not supported: {why}", param=key)
        current().ignored_fields = unknown_fields(data, _known_fields(cls))
        return data


@cache
def _known_fields(kind: type[RequestBody]) -> frozenset[str]:
    """The names that the fields of a body have in JSON."""
    names = {*kind.unsupported, *kind.model_fields}
    for field in kind.model_fields.values():
        names |= _aliases(field.validation_alias)
    return frozenset(names)


def _aliases(alias: str | AliasPath | AliasChoices | None) -> set[str]:
    match alias:
        case str():
            return {alias}
        case AliasPath(path=[name, *_]):
            return {str(name)}
        case AliasChoices(choices=choices):
            return set().union(*map(_aliases, choices))
    return set()


T = TypeVar("T")
# A list whose first invalid item is told, and no other: there may be 100,000.
Items: TypeAlias = Annotated[list[T], Field(fail_fast=True)]

B = TypeVar("B", bound=Body)


def read_as(kind: type[B], text: bytes, whole: str, limits: Limits = Limits()) -> B:
    """Parses and validates JSON; raises BadRequest, in which `whole` names all of the JSON."""
    check_structure(text, limits)
    try:
        data = decoded(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"{whole} is not JSON: {error}") from error
    if isinstance(data, dict):
        check(data, limits)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise _invalid_body(error.errors(include_url=False), data, whole) from error


def decoded(text: str | bytes) -> Any:
    """Parses JSON of a client's; lone surrogates become U+FFFD and are counted in the trace.

    Raises msgspec.DecodeError, UnicodeDecodeError and RecursionError. A text is JSON within JSON,
    whose structure `check_structure` has not seen: it may have `MAX_NESTED` values.
    """
    if isinstance(text, str) and has_more_structure(_bytes(text), MAX_NESTED, (b"[", b"{", b",")):
        raise msgspec.DecodeError(f"more than {MAX_NESTED} brackets, commas and strings")
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        as_text = text if isinstance(text, str) else text.decode()
        repaired, count = without_lone_surrogates(as_text)
        if not count:
            raise
        current().replaced_surrogates += count
        return msgspec.json.decode(repaired)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _invalid_body(faults: Sequence[ErrorDetails], data: Any, whole: str) -> BadRequest:
    """Returns the error for pydantic's `faults` in `data`; `whole` is the name of all of it.

    A value of a union type has faults for each member of the union. The member whose fault is
    deepest was meant.
    """
    paths = [_path(fault, data) for fault in faults]
    where = max(paths, key=lambda path: path.count("."))
    meant = [fault for path, fault in zip(paths, faults, strict=True) if path == where]
    reasons = ", or ".join(dict.fromkeys(map(_describe, meant)))
    return BadRequest(f"{where or whole}: {reasons}", param=where or None)


def _path(fault: ErrorDetails, data: Any) -> str:
    """The path of a fault in `data`, without the types that pydantic adds to its own path."""
    path = []
    for step in fault["loc"]:
        has_key = isinstance(data, dict) and step in data
        if has_key or (isinstance(data, list) and isinstance(step, int)):
            data = data[step]
            path.append(str(step))
    if fault["type"] == "missing":
        path.append(str(fault["loc"][-1]))
    if fault["type"].startswith("union_tag"):
        path.append(fault["ctx"]["discriminator"].strip("'"))
    return ".".join(path)


def _describe(fault: ErrorDetails) -> str:
    match fault["type"]:
        case "missing" | "union_tag_not_found":
            return "required, but missing"
        case "union_tag_invalid":
            return f"found {fault['ctx']['tag']!r}, expected one of {fault['ctx']['expected_tags']}"
        case "model_type" | "dict_type":
            return f"found {_shorten(fault['input'])}; it should be an object"
    return f"found {_shorten(fault['input'])}; {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def _shorten(value: Json) -> str:
    """How Python writes `value`, up to `MAX_SHOWN` characters; the rest is not written at all."""
    shown = ""
    for piece in _written(value):
        shown += piece
        if len(shown) > MAX_SHOWN:
            return f"{shown[: MAX_SHOWN - 3]}..."
    return shown


def _written(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield repr(value[: MAX_SHOWN + 1])
        case list():
            yield "["
            for i, item in enumerate(value):
                yield ", " * (i > 0)
                yield from _written(item)
            yield "]"
        case dict():
            yield "{"
            for i, (key, item) in enumerate(value.items()):
                yield f"{', ' * (i > 0)}{key[: MAX_SHOWN + 1]!r}: "
                yield from _written(item)
            yield "}"
        case _:
            yield repr(value)
