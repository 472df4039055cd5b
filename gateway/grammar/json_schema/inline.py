"""JSON Schemas inside a Lark grammar: llguidance's `%json`.

Source: https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md#inline-json-schemas
"""

from __future__ import annotations

import json

from gateway.chat.json import Object
from gateway.formats.format import AsJson
from gateway.grammar.json_schema.close_objects import enforceable


def json_rule(schema: Object) -> str:
    """The body of a rule for JSON under `schema`, which is written as it is."""
    return "%json " + json.dumps(schema, ensure_ascii=False)


def spaced(schema: Object, style: AsJson = AsJson(), text: str = "") -> Object:
    """The enforceable part of `schema`, for JSON in the spacing of `style`.

    `text` is the JSON text of `schema`, if that is known.
    """
    spacing: Object = {
        "whitespace_flexible": False,
        "item_separator": style.item_separator,
        "key_separator": style.key_separator,
    }
    if style.indent is not None:  # each value is on a line of its own
        spacing = {"whitespace_flexible": True, "whitespace_pattern": r"\n {0,80}| "}
    return {**enforceable(schema, text).schema, "x-guidance": spacing}
