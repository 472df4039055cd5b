"""In every format, the input of a custom tool is what its grammar describes."""

from __future__ import annotations

import pytest

from gateway.chat.custom_tools import INPUT, custom_tool, input_of
from gateway.chat.messages import Call, Tool, Turn
from gateway.formats.format import Format, Tagged
from gateway.grammar.bounds import matches
from gateway.grammar.custom.input_rules import alone
from gateway.grammar.turn import grammar
from tests.formats.roundtrip import EVERY_FORMAT, read
from tests.formats.strategies import closes_text
from tests.formats.vocabulary import LongWalk, vocabulary
from tests.grammar.custom.grammars import CASES

OTHER = Tool("other", "", {"type": "object", "properties": {}})


def turn(format: Format, text: str) -> Turn:
    id = "a" * (format.id_length or 9)
    return Turn(calls=(Call("edit", {INPUT: text}, id),))


def can_write(format: Format, text: str) -> bool:
    """Whether the family writes `text` as the grammar does: raw text can't contain what closes it.

    A family that wraps some texts has to wrap all inputs.
    """
    style = format.arguments
    if isinstance(style, Tagged) and style.wrap and not style.needs_wrap(text):
        return False
    return not closes_text(style, text)


@pytest.mark.parametrize("name", CASES)
def test_grammar_alone_matches_exactly_the_inputs(name: str) -> None:
    case = CASES[name]
    lark = alone(case.grammar)
    assert all(matches(lark, text) for text in case.valid)
    assert not any(matches(lark, text) for text in case.invalid)


@pytest.mark.diagonal("format", "name")
@EVERY_FORMAT
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("is_special", [False, True])
def test_grammar_admits_exactly_the_matching_inputs(
    format: Format, name: str, is_special: bool
) -> None:
    case = CASES[name]
    tool = custom_tool("edit", "", case.grammar)
    words = vocabulary(format, special=is_special)
    lark = grammar(format, [tool, OTHER], required=True, special=words.special)
    for text in case.valid:
        if can_write(format, text):
            assert words.admits(lark, words.tokenized(format, turn(format, text))), text
    for text in case.invalid:
        assert not words.admits(lark, words.tokenized(format, turn(format, text))), text


@pytest.mark.diagonal("format", "name")
@EVERY_FORMAT
@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_read_as_an_input_that_matches(format: Format, name: str) -> None:
    case = CASES[name]
    tool = custom_tool("edit", "", case.grammar)
    words = vocabulary(format, special=False)
    lark = grammar(format, [tool], required=True, parallel=False)
    for seed in range(3):
        try:
            written = words.walk(lark, seed)
        except LongWalk:
            continue
        [call] = read(format, [tool], [written]).calls
        assert matches(alone(case.grammar), input_of(call.arguments)), written
