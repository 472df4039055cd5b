"""What is a JSON Schema, of whatever draft, and what is none."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator, SchemaError

from gateway.chat.json import Object, json_text
from gateway.schema.metaschema import fault


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": ["string", "null"], "enum": ["a", None], "description": "d"},
        {"properties": {"type": {"type": "integer", "minimum": 1.5}, "enum": True}},
        {"items": [{"type": "string"}], "additionalItems": False},
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "maximum": 3,
            "exclusiveMaximum": True,
        },
        {"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"a": ["b"]}},
        {"pattern": "^a", "patternProperties": {"^x": {}}, "examples": [1]},
        {"our-own": 7, "nullable": True},
        {"pattern": r"^\p{L}+$", "$id": "https://x.invalid/"},
        {"pattern": "(?<year>[0-9]{4})"},
    ],
)
def test_a_schema_of_any_draft_is_one(schema: Object) -> None:
    assert fault(schema, json_text(schema)) is None
    assert fault(schema, json_text(schema)) is None


BROKEN: list[tuple[Object, str]] = [
    ({"type": 7}, "#/type"),
    ({"type": "text"}, "#/type"),
    ({"type": []}, "#/type"),
    ({"properties": {"a": {"type": "object", "required": True}}}, "#/properties/a/required"),
    ({"properties": {"a": 1}}, "#/properties/a"),
    ({"properties": []}, "#/properties"),
    ({"required": ["a", "a"]}, "#/required"),
    ({"anyOf": []}, "#/anyOf"),
    ({"anyOf": [{"minLength": -1}]}, "#/anyOf/0/minLength"),
    ({"multipleOf": 0}, "#/multipleOf"),
    ({"uniqueItems": 1}, "#/uniqueItems"),
    ({"enum": "a"}, "#/enum"),
    ({"$ref": 1}, "#/$ref"),
    ({"title": None}, "#/title"),
    ({"items": 3}, "#/items"),
]


@pytest.mark.parametrize(("schema", "pointer"), BROKEN)
def test_what_is_no_schema_is_told_with_its_place(schema: Object, pointer: str) -> None:
    with pytest.raises(SchemaError):
        Draft202012Validator.check_schema(schema)
    found = fault(schema, json_text(schema))
    assert found is not None
    assert found[0] == pointer
