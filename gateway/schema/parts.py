"""The parts of a JSON Schema by themselves, to find out which of them is at fault."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.chat.json import Object
from gateway.schema.refs import pointer_step

_SHARED = ("$schema", "$id", "$defs", "definitions", "type")  # which other parts may depend on


def parts(schema: Object) -> Iterator[tuple[str, Object]]:
    """Yields the pointer of each property and of each other keyword, with a schema of that alone.

    >>> dict(parts({"properties": {"a": {}}, "not": {"const": 1}}))
    {'#/properties/a': {'properties': {'a': {}}}, '#/not': {'not': {'const': 1}}}
    """
    shared = {key: schema[key] for key in _SHARED if key in schema}
    for key, value in schema.items():
        if key == "properties" and isinstance(value, dict):
            for name, one in value.items():
                yield f"#/properties/{pointer_step(name)}", {**shared, key: {name: one}}
        elif key not in _SHARED:
            yield f"#/{pointer_step(key)}", {**shared, key: value}
