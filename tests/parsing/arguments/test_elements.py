"""Arguments that are nested elements are read by the types in the tool's schema."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.chat.json import Json, Object
from gateway.formats.elements import write
from gateway.parsing.moves import Malformed, Truncated
from tests.formats.strategies import LAW, arguments, cuts, objects, schemas
from tests.parsing.arguments.elements import END, MINIMAX, N, is_written, read, reader
from tests.parsing.arguments.pieces import LONG, assert_looked_at_once

ANYTHING: Object = {}


def short(text: str) -> str:
    """Elements in a short form, with MiniMax's marker added."""
    return text.replace("<", f"{N}<")


@pytest.mark.parametrize("strict", [True, False])
@LAW
@given(data=st.data(), parameters=objects(schemas()))
def test_written_arguments_are_read_back_however_they_are_split(
    strict: bool, data: st.DataObject, parameters: Object
) -> None:
    found = data.draw(arguments(parameters).filter(lambda found: is_written(found, parameters)))
    pieces = data.draw(cuts(write(found, MINIMAX) + END))
    text, left = read(parameters, pieces, strict=strict, end="")
    assert json.dumps(json.loads(text)) == json.dumps(found)
    assert left == END


def test_values_are_nested_elements_and_nulls_are_omitted() -> None:
    found: Object = {
        "city": "<b>",
        "n": None,
        "tags": ["a", 1.5],
        "o": {"x": 1, "y": {}},
        "z": True,
    }
    assert write(found, MINIMAX) == (
        f"{N}<city><b>{N}</city>"
        f"{N}<tags>{N}<item>a{N}</item>{N}<item>1.5{N}</item>{N}</tags>"
        f"{N}<o>{N}<x>1{N}</x>{N}<y>{N}</y>{N}</o>{N}<z>true{N}</z>"
    )


STRINGS: Object = {"type": "array", "items": {"type": "string"}}
TREE: Object = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "size": {"type": "integer"},
        "kids": {"type": "array", "items": {"$ref": "#"}},
    },
}


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        ({}, "12", 12),
        ({}, "no. 12", "no. 12"),
        ({}, "<item>1</item><item>x</item>", [1, "x"]),
        ({}, "<x>1</x><item>2</item>", {"x": 1, "item": 2}),
        ({}, "\n <x> 1 </x>\n", {"x": 1}),
        ({}, "", ""),
        ({}, '{"x": [1]}', {"x": [1]}),
        ({"type": "string"}, " 12\n", " 12\n"),
        ({"type": ["string", "null"]}, "null", None),
        ({"type": ["integer", "null"]}, "", None),
        ({"type": "integer"}, " 12\n", 12),
        ({"type": "object"}, "", {}),
        ({"type": "object"}, "\n", {}),
        ({"type": "object", "properties": {}}, "<item>1</item>", {"item": 1}),
        ({"type": "array"}, "", []),
        ({"type": "array"}, "[1, [2]]", [1, [2]]),
        ({"type": "array"}, ' ["</a>", "]\\"", {}]\n', ["</a>".replace("<", f"{N}<"), ']"', {}]),
        ({"anyOf": [{"type": "object", "required": ["a"]}, {"type": "array"}]}, "", []),
        ({"anyOf": [STRINGS, {"type": "null"}]}, "<item>1</item>", ["1"]),
        ({"allOf": [STRINGS]}, "<item>1</item>", ["1"]),
        (TREE, "<kids><item><name>1</name><size>1</size></item></kids>", None),
    ],
)
def test_the_schema_determines_the_type_of_a_text(
    schema: Object, text: str, expected: Json
) -> None:
    if schema is TREE:
        parameters, expected = TREE, {"kids": [{"name": "1", "size": 1}]}
        written = short(text)
    else:
        parameters, expected = {"properties": {"a": schema}}, {"a": expected}
        written = f"{N}<a>{short(text)}{N}</a>"
    for pieces in ([written], list(written)):
        found, left = read(parameters, pieces)
        assert (json.loads(found), left) == (expected, END)


@pytest.mark.parametrize(
    "text",
    [
        "<a>1</b>",
        "<a><x>1</a>",
        "<a>x<x>1</x></b>",
        "<a><item>1</item><x>2</x></a>",
        '<a b="c">1</a>',
    ],
)
def test_elements_that_do_not_match_are_malformed(text: str) -> None:
    for pieces in ([short(text)], list(short(text))):
        with pytest.raises(Malformed):
            read(ANYTHING, [*pieces, N, "</"])


def test_white_space_between_elements_is_skipped_unless_strict() -> None:
    written = short("\n<a>1</a>\n <b>2</b> ")
    assert json.loads(read(ANYTHING, [written])[0]) == {"a": 1, "b": 2}
    assert read(ANYTHING, [written], strict=True) == ("{}", written + END)


def test_elements_that_are_cut_off_are_truncated() -> None:
    buffer, arguments = reader({"properties": {"a": {"type": "string"}}})
    buffer.add(short("<a>Paris</"))
    buffer.close(complete=False)
    assert next(arguments) == '{"a": "Paris'
    assert buffer.ahead != short("<a>Paris</")
    with pytest.raises(Truncated):
        next(arguments)


def test_a_long_string_is_scanned_once() -> None:
    written = write({"text": "]<]mini" * LONG}, MINIMAX) + END
    buffer, arguments = reader({"properties": {"text": {"type": "string"}}})
    assert_looked_at_once(arguments, buffer, written, growth=1)
