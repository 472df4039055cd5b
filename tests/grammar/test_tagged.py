"""Parameters that are a union of objects, in formats that write each argument by itself."""

from __future__ import annotations

from contextlib import suppress

import pytest

from gateway.chat.json import Object
from gateway.chat.messages import Call, Tool, Turn
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES
from gateway.formats.format import AsJson, Format
from gateway.grammar.json_schema.close_objects import enforceable
from gateway.grammar.turn import grammar
from tests.formats.roundtrip import read
from tests.formats.strategies import is_valid
from tests.formats.vocabulary import LongWalk, vocabulary

APART = [one for one in FAMILIES.values() if not isinstance(one.arguments, AsJson)]
EVERY_APART = pytest.mark.parametrize("format", APART, ids=lambda one: one.name)

SHORT: Object = {"type": "string", "maxLength": 8}
CREATE: Object = {
    "type": "object",
    "properties": {"action": {"const": "create"}, "note": SHORT},
    "required": ["action", "note"],
}
UPDATE: Object = {
    "type": "object",
    "properties": {"action": {"const": "update"}, "note": {"type": "integer"}},
    "required": ["action", "note"],
}
UNIONS: dict[str, Object] = {
    "oneOf": {"oneOf": [CREATE, UPDATE]},
    "anyOf": {"type": "object", "anyOf": [CREATE, UPDATE]},
    "references": {
        "oneOf": [{"$ref": "#/$defs/Create"}, {"$ref": "#/$defs/Update"}],
        "discriminator": {"propertyName": "action"},
        "$defs": {"Create": CREATE, "Update": UPDATE},
    },
    "with a base": {
        "type": "object",
        "properties": {"action": {"enum": ["create", "update"]}},
        "required": ["action"],
        "oneOf": [
            {"properties": {"action": {"const": "create"}, "note": SHORT}},
            {"properties": {"action": {"const": "update"}, "note": {"type": "integer"}}},
        ],
    },
}


def admits(format: Format, parameters: Object, arguments: Object) -> bool:
    tool = Tool("f", "", enforceable(parameters).schema)
    words = vocabulary(format, special=False)
    turn = Turn(calls=(Call("f", arguments, "abcdefghi"),))
    return words.admits(grammar(format, [tool], required=True), [*encode(format, turn).encode()])


@EVERY_APART
@pytest.mark.parametrize("union", UNIONS)
def test_arguments_are_those_of_one_kind_of_object(format: Format, union: str) -> None:
    parameters = UNIONS[union]
    assert admits(format, parameters, {"action": "create", "note": "Milk"})
    assert admits(format, parameters, {"action": "update", "note": 7})
    assert not admits(format, parameters, {"action": "update", "note": "Milk"})
    assert not admits(format, parameters, {"action": "delete", "note": "Milk"})
    assert not admits(format, parameters, {"note": "Milk"})


@pytest.mark.diagonal("format", "union")
@EVERY_APART
@pytest.mark.parametrize("union", UNIONS)
def test_whatever_is_written_for_a_union_is_valid(format: Format, union: str) -> None:
    tool = Tool("f", "", UNIONS[union])
    words = vocabulary(format, special=False)
    lark = grammar(format, [Tool("f", "", enforceable(UNIONS[union]).schema)], required=True)
    ended = 0
    for seed in range(10):
        with suppress(LongWalk):
            calls = read(format, [tool], [words.walk(lark, seed)]).calls
            assert calls
            assert all(is_valid(UNIONS[union], call.arguments) for call in calls)
            ended += 1
    assert ended


@EVERY_APART
def test_text_that_another_kind_reads_as_a_number_is_not_written(format: Format) -> None:
    arguments: Object = {"action": "create", "note": "12"}
    tool = Tool("f", "", UNIONS["oneOf"])
    written = encode(format, Turn(calls=(Call("f", arguments, "abcdefghi"),)))
    is_read_back = read(format, [tool], [written]).calls[0].arguments == arguments
    assert admits(format, UNIONS["oneOf"], arguments) is is_read_back
