"""Finds the part of a JSON Schema for which no value is valid, if there is one."""

from __future__ import annotations

from gateway.chat.json import Json, Object
from gateway.lru import LRUCache
from gateway.schema.refs import find, pointer_step
from gateway.schema.shapes import Array, Mapping, Shapes

MAX_CACHED = 2**20  # characters of schemas
MAX_DEPTH = 50

_found: LRUCache[str] = LRUCache(MAX_CACHED)


def unsatisfiable_part(schema: Object, text: str) -> str:
    """The JSON pointer of the innermost part for which `schema` has no valid value.

    "" if it has one, or may have one: not all keywords are looked at. `text` is its JSON text.
    """
    found = _found.get(text)
    if found is None:
        shapes = Shapes(schema)
        try:
            found = "" if shapes.admits_any(schema) else _innermost(schema, shapes, "#")
        except RecursionError:
            found = ""
        _found[text] = found
    return found


def _innermost(schema: Json, shapes: Shapes, pointer: str, depth: int = 0) -> str:
    """The pointer of the innermost part of `schema`, which has no valid value, that has none."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return pointer
    if [*schema] == ["$ref"] and isinstance(reference := schema["$ref"], str):
        return _innermost(find(reference, shapes.root), shapes, reference, depth + 1)
    for shape in shapes.alternatives(schema):
        match shape:
            case Mapping(properties, required):
                for key in properties:
                    if key in required and not shapes.admits_any(properties[key]):
                        inner = f"{pointer}/properties/{pointer_step(key)}"
                        return _innermost(properties[key], shapes, inner, depth + 1)
            case Array(items, least, _, ()) if least and not shapes.admits_any(items):
                return _innermost(items, shapes, f"{pointer}/items", depth + 1)
    return pointer
