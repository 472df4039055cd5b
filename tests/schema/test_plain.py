"""Which schemas are cheap by their form."""

from __future__ import annotations

import pytest

from gateway.chat.json import Json, Object
from gateway.schema.plain import AUTOMATON, MAX_PLAIN_COUNT, MAX_PLAIN_VALUES, plain_values

STRING: Object = {"type": "string"}
PLAIN: list[tuple[Json, int]] = [
    ({}, 1),
    (STRING, 2),
    ({"type": ["string", "null"], "description": "A city"}, 5),
    ({"properties": {"a": STRING, "b": {"enum": [1, 2]}}, "required": ["a"]}, 10),
    ({"items": {"anyOf": [STRING, {"type": "null"}]}, "maxItems": MAX_PLAIN_COUNT}, 9),
    ({"type": "string", "format": "date"}, 3 + AUTOMATON),
    ({"additionalProperties": False, "default": {"a": [1, 2]}}, 6),
]
NOT_PLAIN: list[Json] = [
    {"pattern": "a"},
    {"patternProperties": {"a": STRING}},
    {"$ref": "#"},
    {"properties": {"a": {"oneOf": [STRING]}}},
    {"items": [STRING]},
    {"additionalProperties": STRING},
    {"maxLength": MAX_PLAIN_COUNT + 1},
    {"multipleOf": 7},
    {"type": [{"type": "string"}]},
    {"properties": {"a": True}},
    {"properties": []},
    {"properties": {f"p{i}": STRING for i in range(MAX_PLAIN_COUNT + 1)}},
]


@pytest.mark.parametrize(("schema", "values"), PLAIN)
def test_a_plain_schema_has_so_many_values(schema: Json, values: int) -> None:
    assert plain_values(schema, values) == values
    assert plain_values(schema, values - 1) is None


@pytest.mark.parametrize("schema", NOT_PLAIN)
def test_what_may_be_expensive_is_not_plain(schema: Json) -> None:
    assert plain_values(schema, MAX_PLAIN_VALUES) is None
