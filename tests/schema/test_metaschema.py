"""Schemas are checked against the metaschema of their draft."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator, SchemaError

from gateway.chat.json import Object, json_text
from gateway.schema.metaschema import schema_error


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
        {"$schema": "http://json-schema.org/draft-03/schema#", "required": True},
        {"$schema": "http://127.0.0.1:9/schema", "type": "object"},
        {"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": True},
        {"items": [{}], "$defs": {"a": {"dependencies": {"b": {}}}}},
        {"description": "\ud800", "type": "string"},
        {"pattern": "["},
        {"const": 10**400, "maximum": 1e308},
        {"pattern": r"^\p{L}+$", "$id": "https://x.invalid/"},
        {"pattern": "(?<year>[0-9]{4})"},
    ],
)
def test_a_schema_of_any_draft_is_valid(schema: Object) -> None:
    assert schema_error(schema, json_text(schema)) is None
    assert schema_error(schema, json_text(schema)) is None


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
    ({"$schema": 7}, "#/$schema"),
    ({"description": "\ud800", "type": 7}, "#/type"),
    ({"properties": {"a/b~": {"type": 7}}}, "#/properties/a~1b~0/type"),
    ({"$schema": "http://127.0.0.1:9/schema", "type": 7}, "#/type"),
]


@pytest.mark.parametrize(("schema", "pointer"), BROKEN)
def test_an_error_has_the_pointer_of_the_invalid_keyword(schema: Object, pointer: str) -> None:
    with pytest.raises(SchemaError):
        Draft202012Validator.check_schema(schema)
    found = schema_error(schema, json_text(schema))
    assert found is not None
    assert found[0] == pointer
    assert 0 < len(found[1]) <= 200


@pytest.mark.parametrize(
    ("draft", "schema", "pointer"),
    [
        ("draft-04", {"maximum": 3, "exclusiveMaximum": 3}, "#/exclusiveMaximum"),
        ("draft-04", {"required": []}, "#/required"),
        ("draft-04", {"properties": {"a": True}}, "#/properties/a"),
        ("draft-06", {"exclusiveMaximum": True}, "#/exclusiveMaximum"),
        ("draft-06", {"const": 1, "contains": 1}, "#/contains"),
        ("draft-07", {"if": 1}, "#/if"),
        ("draft-07", {"dependencies": {"a": 1}}, "#/dependencies/a"),
        ("2019-09", {"dependentRequired": {"a": 1}}, "#/dependentRequired/a"),
        ("2019-09", {"minContains": -1}, "#/minContains"),
        ("2020-12", {"items": [{}]}, "#/items"),
        ("2020-12", {"prefixItems": []}, "#/prefixItems"),
    ],
)
def test_a_schema_is_checked_against_the_draft_that_it_declares(
    draft: str, schema: Object, pointer: str
) -> None:
    host = "json-schema.org"
    uri = (
        f"https://{host}/draft/{draft}/schema"
        if "-" in draft[4:5]
        else f"http://{host}/{draft}/schema#"
    )
    declared: Object = {"$schema": uri, **schema}
    found = schema_error(declared, json_text(declared))
    assert found is not None
    assert found[0] == pointer


def test_an_error_quotes_a_limited_part_of_the_schema() -> None:
    schema: Object = {"properties": {"a": ["x" * 2**20]}}
    found = schema_error(schema, json_text(schema))
    assert found is not None
    assert len(found[1]) <= 200
