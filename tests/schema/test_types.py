"""The types of a schema, the schema of one parameter, and values without quotes."""

from __future__ import annotations

import pytest

from gateway.chat.json import Json, Object
from gateway.schema.types import parameter, read_bare, types_of
from tests.formats.strategies import is_valid

INTEGER: Object = {"type": "integer"}


def test_a_parameter_that_refers_to_its_own_tool_is_extracted_with_it() -> None:
    tree: Object = {"properties": {"value": INTEGER, "next": {"$ref": "#"}}}
    alone = parameter({"type": "object", **tree}, "next")
    assert is_valid(alone, {"next": {"value": 1}})
    assert not is_valid(alone, {"next": {"value": "1"}})


def test_a_schema_is_never_fetched() -> None:
    assert read_bare("1", {"$ref": "http://127.0.0.1:9/schema"}) == '"1"'


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}, {"string"}),
        ({"$ref": "#/$defs/a%20b", "$defs": {"a b": {"type": "null"}}}, {"null"}),
        ({"$ref": "#/allOf/0", "allOf": [{"type": "null"}]}, {"null"}),
        ({"type": "string", "anyOf": [{"minLength": 1}, {"type": "null"}]}, {"string"}),
        ({"type": "integer", "const": 1}, {"integer"}),
        ({"allOf": [{"type": ["string", "null"]}, {"enum": ["a", 1]}]}, {"string"}),
    ],
)
def test_the_types_of_a_schema_are_those_that_all_its_keywords_admit(
    schema: Object, types: set[str]
) -> None:
    assert types_of(schema) == types


def test_the_types_of_schemas_that_all_refer_to_each_other_are_found_in_time() -> None:
    names = [f"d{i}" for i in range(30)]
    each: Json = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in names]}
    schema: Object = {"$ref": "#/$defs/d0", "$defs": dict.fromkeys(names, each)}
    assert types_of(schema) == set()
