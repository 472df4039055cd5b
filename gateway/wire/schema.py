"""A JSON Schema as the user wrote it -> the one that the grammar holds a model to."""

from __future__ import annotations

from gateway.turns import Json, Object
from gateway.wire.format import AsJson

# The formats that llguidance knows; any other is an annotation (JSON Schema 2020-12, 7.2.3).
FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")
)

_ELSEWHERE = ("additionalProperties", "patternProperties", "unevaluatedProperties")
_COMBINED = ("allOf", "anyOf", "oneOf", "$ref")
_VALUES = ("const", "enum", "default", "examples")


def held(schema: Object, style: AsJson = AsJson()) -> Object:
    """`schema` with closed objects, known formats, and the family's own JSON spacing.

    What it admits, `schema` admits. An object that lists its properties takes no others, unless
    it says that it does: a model that is free to invent keys invents them.
    """
    closed = _closed(schema, combined=False)
    assert isinstance(closed, dict)
    spacing: Object = {
        "whitespace_flexible": False,
        "item_separator": style.item_separator,
        "key_separator": style.key_separator,
    }
    return {**closed, "x-guidance": spacing}


def _closed(schema: Json, *, combined: bool) -> Json:
    """`combined`: what other branches say of the same object is not known here."""
    if isinstance(schema, list):
        return [_closed(item, combined=combined) for item in schema]
    if not isinstance(schema, dict):
        return schema
    combines = combined or any(key in schema for key in _COMBINED)
    result: Object = {}
    for key, value in schema.items():
        if key in _VALUES:
            result[key] = value
        elif key in ("properties", "$defs", "definitions", "patternProperties"):
            named = value if isinstance(value, dict) else {}
            result[key] = {name: _closed(sub, combined=False) for name, sub in named.items()}
        elif key != "format" or value in FORMATS:
            result[key] = _closed(value, combined=key == "allOf" or (combines and key in _COMBINED))
    is_open = any(key in schema for key in _ELSEWHERE)
    if "properties" in schema and not is_open and not combines:
        result["additionalProperties"] = False
    return result
