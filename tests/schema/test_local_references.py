"""References are pointers from the root of a schema, whatever a client writes."""

from __future__ import annotations

import pytest

from gateway.chat.json import Object, json_text
from gateway.schema import local_references
from gateway.schema.refs import references, resolve

ITEM: Object = {"type": "object", "properties": {"zip": {"type": "string"}}, "required": ["zip"]}
BASE = "https://example.com/root.json"


def with_local_references(schema: Object) -> Object:
    return local_references.with_local_references(schema, json_text(schema))


# A schema, the pointer that its only reference becomes, and whether that leads to ITEM.
CASES: dict[str, tuple[Object, str]] = {
    "relative to an id": (
        {"$id": BASE, "$defs": {"A": {"$id": "item.json", **ITEM}}, "items": {"$ref": "item.json"}},
        "#/$defs/A",
    ),
    "absolute": (
        {
            "$id": BASE,
            "$defs": {"A": {"$id": "item.json", **ITEM}},
            "items": {"$ref": "https://example.com/item.json"},
        },
        "#/$defs/A",
    ),
    "within an id": (
        {"$defs": {"A": {"$id": "a.json", "$defs": {"B": ITEM}, "items": {"$ref": "#/$defs/B"}}}},
        "#/$defs/A/$defs/B",
    ),
    "into an id": (
        {
            "$defs": {"A": {"$id": "a.json", "$defs": {"B": ITEM}}},
            "not": {"$ref": "a.json#/$defs/B"},
        },
        "#/$defs/A/$defs/B",
    ),
    "an anchor": ({"$defs": {"A": {"$anchor": "x", **ITEM}}, "items": {"$ref": "#x"}}, "#/$defs/A"),
    "an anchor under an id": (
        {"$id": BASE, "$defs": {"A": {"$anchor": "x", **ITEM}}, "items": {"$ref": "#x"}},
        "#/$defs/A",
    ),
    "an anchor of draft 7": (
        {"definitions": {"A": {"$id": "#x", **ITEM}}, "items": {"$ref": "#x"}},
        "#/definitions/A",
    ),
    "a dynamic anchor": (
        {"$defs": {"A": {"$dynamicAnchor": "x", **ITEM}}, "items": {"$dynamicRef": "#x"}},
        "#/$defs/A",
    ),
    "definitions beside it": (
        {"properties": {"a": {"items": {"$ref": "#/$defs/A", "$defs": {"A": ITEM}}}}},
        "#/properties/a/items/$defs/A",
    ),
    "definitions around it": (
        {"properties": {"a": {"definitions": {"A": ITEM}, "items": {"$ref": "#/definitions/A"}}}},
        "#/properties/a/definitions/A",
    ),
    "names that are escaped": (
        {"$id": BASE, "$defs": {"a/b %": ITEM}, "items": {"$ref": "#/$defs/a~1b%20%25"}},
        "#/$defs/a~1b%20%25",
    ),
    "a branch": (
        {"$id": BASE, "anyOf": [{"$anchor": "x", **ITEM}, {"$ref": "#x"}]},
        "#/anyOf/0",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_reference_becomes_a_pointer_from_the_root(case: str) -> None:
    schema, pointer = CASES[case]
    local = with_local_references(schema)
    assert [*references(local)] == [pointer]
    assert resolve(pointer, local) == ITEM
    assert "$dynamicRef" not in str(local)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"$ref": {"type": "string"}, "$id": {"const": "#x"}}},
        {"$id": BASE, "type": "object"},
        {"properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#"}}, "$defs": {"A": ITEM}},
    ],
)
def test_a_schema_that_needs_no_change_is_itself(schema: Object) -> None:
    assert with_local_references(schema) is schema


@pytest.mark.parametrize("reference", ["#/$defs/No", "#no", "https://example.com/no.json", "no"])
def test_a_reference_without_a_target_stays(reference: str) -> None:
    schema: Object = {"properties": {"a": {"$ref": reference}}}
    assert with_local_references(schema) == schema


def test_values_are_not_schemas() -> None:
    schema: Object = {
        "$id": BASE,
        "$defs": {"A": {"$id": "a", **ITEM}},
        "items": {"$ref": "a"},
        "const": {"$ref": "a", "$id": "b"},
    }
    assert with_local_references(schema) == {
        "$defs": {"A": ITEM},
        "items": {"$ref": "#/$defs/A"},
        "const": {"$ref": "a", "$id": "b"},
    }
