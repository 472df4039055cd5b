"""The part of a schema for which no value is valid."""

from __future__ import annotations

import pytest

from gateway.chat.json import Json, Object, json_text
from gateway.schema.unsatisfiable import unsatisfiable_part


def part(schema: Object) -> str:
    return unsatisfiable_part(schema, json_text(schema))


def requires(a: Json, **more: Json) -> Object:
    return {"type": "object", "properties": {"a": a}, "required": ["a"], **more}


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "integer", "minimum": 5, "maximum": 3},
        {"type": "string", "minLength": 3, "maxLength": 2},
        {"type": "array", "minItems": 3, "maxItems": 2},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"anyOf": [{"type": "string", "const": 5}, False]},
        {"enum": []},
        {"$ref": "#"},
    ],
)
def test_a_required_property_that_nothing_satisfies_is_found(schema: Json) -> None:
    assert part(requires(schema)) in ("#/properties/a", "#")
    assert part({**requires(schema), "required": []}) == ""


def test_the_innermost_part_is_found() -> None:
    assert part(requires(requires(False))) == "#/properties/a/properties/a"
    items: Object = {"type": "array", "minItems": 1, "items": requires(False)}
    assert part(requires(items)) == "#/properties/a/items/properties/a"
    shared: Object = {"$defs": {"A/B": requires(False)}}
    reference: Object = {"$ref": "#/$defs/A~1B"}
    assert part(requires(reference, **shared)) == "#/$defs/A~1B/properties/a"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": False},
        {"type": "number", "minimum": 3, "maximum": 3},
        {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        {"type": "string", "pattern": "^a$", "maxLength": 3},
        {"type": "array", "prefixItems": [False]},
        {"not": {"type": "string"}},
        {},
    ],
)
def test_a_schema_with_a_valid_value_has_no_such_part(schema: Json) -> None:
    assert part(requires(schema)) == ""


def test_a_property_that_is_required_and_not_allowed_is_found() -> None:
    closed: Object = {"type": "object", "required": ["a"], "additionalProperties": False}
    assert part(closed) == "#/properties/a"
