"""What is counted of schemas, and where there is too much of it."""

from __future__ import annotations

import pytest

from gateway.chat.json import Object, json_text
from gateway.schema.complexity import KINDS, Complexity, Excess, Kind

STRING: Object = {"type": "string"}

# Each with three parts of its kind, at the pointer of the subschema that has them.
THREE: list[tuple[Kind, Object, str]] = [
    ("values", {"default": [1, 2]}, "#/default"),
    ("properties", {"items": {"properties": {"a": STRING, "b": STRING, "c": STRING}}}, "#/items"),
    ("branches", {"properties": {"a/b": {"anyOf": [STRING] * 3}}}, "#/properties/a~1b"),
    ("branches", {"oneOf": [{"allOf": [STRING, STRING]}]}, "#/oneOf/0"),
    ("branches", {"type": [{}, {}, {}]}, "#"),
    ("branches", {"dependentRequired": {"a": ["b"], "b": ["a"], "c": ["a"]}}, "#"),
    ("enum_values", {"$defs": {"Unit": {"enum": ["C", "F", "K"]}}}, "#/$defs/Unit"),
    (
        "patterns",
        {"patternProperties": {"^a": {}, "^b": {"pattern": "c"}}},
        "#/patternProperties/^b",
    ),
    ("references", {"allOf": [{"$ref": "#"}, {"$ref": "#"}, {"$dynamicRef": "#"}]}, "#/allOf/0"),
]


def most(**some: int) -> dict[Kind, int]:
    return {kind: some.get(kind, 100) for kind in KINDS}


@pytest.mark.parametrize(("kind", "schema", "pointer"), THREE)
def test_the_subschema_with_one_part_too_many_is_found(
    kind: Kind, schema: Object, pointer: str
) -> None:
    text = json_text(schema)
    for _ in range(2):  # the second time, its counts are known
        assert Complexity(most(**{kind: 3})).add(schema, text) is None
        assert Complexity(most(**{kind: 2})).add(schema, text) == Excess(pointer, kind, 2)


def test_the_parts_of_several_schemas_are_added() -> None:
    complexity = Complexity(most(enum_values=3))
    schema: Object = {"enum": ["a", "b"]}
    assert complexity.add(schema, json_text(schema)) is None
    assert complexity.add(schema, json_text(schema)) == Excess("#", "enum_values", 3)


def test_optional_types_are_no_branches() -> None:
    schema: Object = {"properties": {"a": {"type": ["string", "null"]}}}
    assert Complexity(most(branches=0)).add(schema, json_text(schema)) is None
