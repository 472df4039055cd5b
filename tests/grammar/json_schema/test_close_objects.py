"""Schemas as clients write them: the grammar admits only valid values, and all that are needed."""

from __future__ import annotations

import json

import pytest

from gateway.chat.json import Json, Object
from gateway.chat.messages import Tool
from gateway.formats.families import QWEN_CODER
from gateway.grammar.json_schema.inline import json_rule, spaced
from gateway.grammar.turn import grammar
from tests.formats.roundtrip import read
from tests.formats.strategies import is_valid
from tests.formats.vocabulary import Vocabulary, words

WORDS = Vocabulary(plain=list(words("<tool_call> </parameter> </function> </tool_call>")))
NAME: Object = {"type": "object", "properties": {"a": {"type": "integer"}}}


def admits(schema: Object, value: Json) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return WORDS.admits(f"start: {json_rule(spaced(schema))}", text.encode())


def listed(*names: str, **more: Json) -> Object:
    properties: Object = {name: {"type": "integer"} for name in names}
    return {"type": "object", "properties": properties, **more}


ADMITTED: list[tuple[Object, Json]] = [
    (listed("a"), {"a": 1}),
    ({"type": "object"}, {"any": [1, {}]}),
    (listed("a", required=["z"]), {"a": 1, "z": 1}),
    (listed("a", additionalProperties=True), {"a": 1, "z": 1}),
    (listed("a", patternProperties={"^x": {"type": "string"}}), {"a": 1, "xy": "s"}),
    (listed("a", allOf=[listed("b")]), {"a": 1, "b": 2}),
    ({"allOf": [listed("a"), listed("b")]}, {"a": 1, "b": 2}),
    ({"anyOf": [listed("a"), listed("b")], "required": ["c"]}, {"a": 1, "c": 2}),
    ({"allOf": [{"$ref": "#/$defs/A"}, listed("b")], "$defs": {"A": NAME}}, {"a": 1, "b": 2}),
    ({**listed("b"), "$ref": "#/$defs/A", "$defs": {"A": NAME}}, {"b": 2, "a": 1}),
    (
        {
            "allOf": [{"properties": {"x": listed("a")}}, {"properties": {"x": listed("b")}}],
            "type": "object",
        },
        {"x": {"a": 1, "b": 2}},
    ),
    (listed("a", properties={"properties": {"type": "string"}}), {"properties": "s"}),
    ({"type": "object", "properties": {"$ref": {"enum": [{"$ref": 1}]}}}, {"$ref": {"$ref": 1}}),
    (
        {"type": "object", "properties": {"format": {"const": {"format": "x"}}}},
        {"format": {"format": "x"}},
    ),
    ({"type": "object", "properties": {"yes": True, "no": False}}, {"yes": [None]}),
    ({"type": "string", "format": "a-format-of-ours"}, "anything"),
    (
        {
            "$ref": "#/$defs/Tree",
            "$defs": {"Tree": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Tree"}}}},
        },
        {"next": {"next": {}}},
    ),
    (
        {
            "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
            "$defs": {
                name: {
                    "type": "object",
                    "properties": {"kind": {"const": name}, "age": {"type": "integer"}},
                    "required": ["kind"],
                }
                for name in ("Cat", "Dog")
            },
        },
        {"kind": "Dog", "age": 3},
    ),
]


@pytest.mark.parametrize(("schema", "value"), ADMITTED)
def test_values_that_schemas_in_use_admit_are_admitted(schema: Object, value: Json) -> None:
    assert is_valid(schema, value)
    assert admits(schema, value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (listed("a"), {"a": 1, "invented": 2}),
        ({"anyOf": [listed("a"), {"type": "null"}]}, {"invented": 2}),
        ({"type": "array", "items": listed("a")}, [{"invented": 2}]),
        ({"$ref": "#/$defs/A", "$defs": {"A": NAME}}, {"invented": 2}),
        ({"type": "object", "properties": {"x": listed("a")}}, {"x": {"invented": 2}}),
    ],
)
def test_keys_that_a_schema_does_not_list_are_not_admitted(schema: Object, value: Json) -> None:
    assert not admits(schema, value)


# -- tagged arguments

MIXED: list[Object] = [
    {"type": "string", "pattern": "^a/b[0-9]+$"},
    {"type": "string", "pattern": "a"},
    {"type": "string", "pattern": r"cost\$", "maxLength": 9},
    {"type": "string", "pattern": "^a\\/b", "minLength": 4},
    {"enum": ["", "a", 'q"\n', 1, None, {"a": 1}]},
    {"type": "string", "enum": ["a", 1]},
    {"anyOf": [{"type": "integer", "minimum": 3}, {"type": "string", "maxLength": 2}]},
    {"anyOf": [{"type": "string", "minLength": 3}, {"type": "array", "items": {"type": "null"}}]},
    {"type": ["string", "null"], "maxLength": 3},
    {"type": ["object", "string"]},
    {"$ref": "#/$defs/Code"},
    {"allOf": [{"$ref": "#/$defs/Code"}, {"type": "string", "minLength": 3}]},
    {"anyOf": [{"$ref": "#/$defs/Code"}, {"type": "null"}]},
    {"type": "number"},
    {"type": "object", "properties": {"a": {"type": "string"}}},
    {},
]
DEFINITIONS: Object = {
    "Code": {"type": "string", "pattern": "^[A-Z]+$", "maxLength": 5},
    "Loop": {"anyOf": [{"$ref": "#/$defs/Loop"}, {"enum": ["end"]}]},
}


def tagged(schema: Json, key: str = "a", **more: Json) -> Tool:
    parameters: Object = {"type": "object", "properties": {key: schema}, "$defs": DEFINITIONS}
    return Tool("f", "", {**parameters, "required": [key], **more})


@pytest.mark.parametrize("schema", MIXED, ids=json.dumps)
def test_an_unquoted_value_matches_all_of_its_schema(schema: Object) -> None:
    tool = tagged(schema)
    lark = grammar(QWEN_CODER, [tool], required=True, parallel=False)
    for seed in range(25):
        text = WORDS.walk(lark, seed)
        for strict in (True, False):
            (call,) = read(QWEN_CODER, [tool], [text], strict=strict).calls
            assert is_valid(tool.parameters, call.arguments), text


def test_an_unquoted_value_contains_no_closing_marker() -> None:
    lark = grammar(QWEN_CODER, [tagged({"type": "string"})], required=True)
    begin = "<tool_call>\n<function=f>\n<parameter=a>\n"
    assert WORDS.admits(lark, f"{begin}x\n</parameter>\n</function>\n</tool_call>".encode())
    wrong = f"{begin}x</parameter>y\n</parameter>\n</function>\n</tool_call>"
    assert not WORDS.admits(lark, wrong.encode())


@pytest.mark.parametrize("key", ["a>b", "a\nb"])
def test_a_key_that_a_tag_can_not_contain_is_left_out(key: str) -> None:
    lark = grammar(QWEN_CODER, [tagged({}, key)], required=True)
    begin = "<tool_call>\n<function=f>\n"
    assert WORDS.admits(lark, f"{begin}</function>\n</tool_call>".encode())
    written = f"{begin}<parameter={key}>\n1\n</parameter>\n</function>\n</tool_call>"
    assert not WORDS.admits(lark, written.encode())


INTEGER: Object = {"type": "integer"}


# Parameters, and those among them that must be written.
LISTED: list[tuple[Object, set[str]]] = [
    (listed("a", required=["a"], anyOf=[{"required": ["b"]}, {}]), {"a"}),
    (listed("a", required=["a"], minProperties=1), {"a"}),
    ({"$ref": "#/$defs/A", "$defs": {"A": listed("a", required=["a"])}}, {"a"}),
    ({"allOf": [listed("a", required=["a"]), listed("b", required=["b"])]}, {"a", "b"}),
    ({"anyOf": [listed("a", required=["a"]), listed("b")], "required": ["b"]}, {"b"}),
    ({"if": {}, "then": listed("b"), "required": ["b"]}, {"b"}),
    (
        {"properties": {"a": INTEGER, "b": {"$ref": "#/properties/a"}}, "required": ["b"]},
        {"b"},
    ),
    (
        {
            "properties": {"a": {"$ref": "#named"}},
            "required": ["a"],
            "$defs": {"A": {"$anchor": "named", "type": "integer"}},
        },
        {"a"},
    ),
]


@pytest.mark.parametrize(("parameters", "keys"), LISTED)
def test_required_parameters_are_written_wherever_they_are_listed(
    parameters: Object, keys: set[str]
) -> None:
    tool = Tool("f", "", {"type": "object", **parameters})
    lark = grammar(QWEN_CODER, [tool], required=True, parallel=False)
    for seed in range(10):
        (call,) = read(QWEN_CODER, [tool], [WORDS.walk(lark, seed)]).calls
        assert keys <= set(call.arguments) <= {"a", "b"}
        assert all(isinstance(value, int) for value in call.arguments.values())


def test_a_required_parameter_that_is_not_listed_can_be_written() -> None:
    tool = Tool("f", "", {"type": "object", "required": ["z"]})
    lark = grammar(QWEN_CODER, [tool], required=True, parallel=False)
    (call,) = read(QWEN_CODER, [tool], [WORDS.walk(lark, 1)]).calls
    assert set(call.arguments) == {"z"}


def test_a_circular_definition_admits_its_other_branches() -> None:
    tool = tagged({"$ref": "#/$defs/Loop"})
    lark = grammar(QWEN_CODER, [tool], required=True, parallel=False)
    (call,) = read(QWEN_CODER, [tool], [WORDS.walk(lark, 0)]).calls
    assert call.arguments == {"a": "end"}
