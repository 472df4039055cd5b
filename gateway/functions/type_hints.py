"""The JSON Schema of a type hint.

Source: https://huggingface.co/docs/transformers/chat_extras, and the behaviour of
transformers 5.23 for hints that the page does not mention. `nullable` is from OpenAPI.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from gateway.chat.json import Json, Object
from gateway.functions.errors import HintError

SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
CONTAINERS = {list: "array", tuple: "array", dict: "object"}
TYPES = SCALARS | CONTAINERS


def of_hint(hint: Any) -> Object:
    """The schema of a hint; raises HintError if it has no JSON type.

    >>> of_hint(list[int])
    {'type': 'array', 'items': {'type': 'integer'}}
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _one_of(hint, arguments)
    if origin in (Union, UnionType):
        return _union(arguments)
    if origin in CONTAINERS:
        return {"type": CONTAINERS[origin], **_inside(hint, origin, arguments)}
    return _plain(hint)


def _plain(hint: Any) -> Object:
    if hint is Any:
        return {}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _one_of(hint, [member.value for member in hint])
    if isinstance(hint, type) and hint in TYPES:
        return {"type": TYPES[hint]}
    names = ", ".join(kind.__name__ for kind in TYPES)
    raise HintError(
        f"{hint!r} is not supported; use {names}, Any, Enum, Literal, or a union of these"
    )


def _one_of(hint: Any, values: Iterable[Any]) -> Object:
    choices: list[Json] = list(values)
    if not choices or any(type(value) not in SCALARS for value in choices):
        raise HintError(f"{hint!r} must have values that are strings, numbers, booleans or None")
    names = [SCALARS[type(value)] for value in choices]
    return {"type": _one_or_all(names), "enum": choices}


def _union(members: tuple[Any, ...]) -> Object:
    schemas = [of_hint(member) for member in members if member is not NoneType]
    nullable: Object = {"nullable": True} if NoneType in members else {}
    names = [schema["type"] for schema in schemas if [*schema] == ["type"]]
    if len(schemas) == 1:
        return schemas[0] | nullable
    if len(names) == len(schemas):
        return {"type": _one_or_all(sorted(map(str, names))), **nullable}
    return {"anyOf": [*schemas], **nullable}


def _inside(hint: Any, kind: type, members: tuple[Any, ...]) -> Object:
    """The schema of the items of a container."""
    if not members:
        return {}
    if kind is dict:
        return {"additionalProperties": of_hint(members[1])}
    if kind is list:
        return {"items": of_hint(members[0])}
    if len(members) == 1 or ... in members:
        raise HintError(
            f"{hint!r}: a tuple needs two or more types; use list for any number of items"
        )
    return {"prefixItems": [of_hint(member) for member in members]}


def _one_or_all(names: list[str]) -> Json:
    """A value of `type` without duplicates: one name, or a list."""
    once: list[Json] = [*dict.fromkeys(names)]
    return once[0] if len(once) == 1 else once
