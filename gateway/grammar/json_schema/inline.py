"""The JSON Schema that llguidance compiles, with the family's own JSON spacing."""

from __future__ import annotations

from gateway.chat.json import Object
from gateway.formats.format import AsJson
from gateway.grammar.json_schema.close_objects import enforceable


def held(schema: Object, style: AsJson = AsJson()) -> Object:
    """Returns `schema` as llguidance can enforce it, in the JSON spacing of `style`."""
    spacing: Object = {
        "whitespace_flexible": False,
        "item_separator": style.item_separator,
        "key_separator": style.key_separator,
    }
    return {**enforceable(schema).schema, "x-guidance": spacing}
