"""Keywords of a JSON Schema, whatever the schema and their values are."""

from __future__ import annotations

from gateway.chat.json import Json, Object


def as_object(value: Json) -> Object:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Json) -> list[Json]:
    """`value` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def as_number(value: Json) -> float:
    """`value` if it is a number, else 0."""
    return value if isinstance(value, int | float) else 0


def properties(schema: Json) -> Object:
    """The schemas of the properties that `schema` lists."""
    return as_object(as_object(schema).get("properties"))


def required(schema: Json) -> list[str]:
    """The properties that `schema` requires."""
    return [str(name) for name in as_list(as_object(schema).get("required"))]
