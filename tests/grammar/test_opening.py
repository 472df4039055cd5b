"""What begins a call, in every format and as plain JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.chat.messages import Turn
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.grammar.opening import opening_grammar
from tests.formats.roundtrip import EVERY_FORMAT
from tests.formats.strategies import LAW, scenes
from tests.formats.vocabulary import Vocabulary, vocabulary

NAMES = ["get_weather", "a.b-c"]


def begins(words: Vocabulary, lark: str, tokens: Iterable[int]) -> bool:
    """Whether the first of `tokens` are an opening."""
    matcher = words.matcher(lark)
    return any(
        matcher.is_accepting()
        for _ in takewhile(lambda token: matcher.try_consume_tokens([token]), tokens)
    )


@EVERY_FORMAT
@LAW
@given(data=st.data(), is_special=st.booleans())
def test_every_turn_that_begins_with_a_call_has_an_opening(
    format: Format, data: st.DataObject, is_special: bool
) -> None:
    tools, turn = data.draw(scenes(format, min_calls=1))
    words = vocabulary(format, special=is_special)
    names = [tool.name for tool in tools]
    lark = opening_grammar(format, names, json_calls=False, special=words.special)
    without_thought = replace(format, empty_think="")
    assert begins(words, lark, words.tokenized(without_thought, Turn("", "", turn.calls)))


@EVERY_FORMAT
@pytest.mark.parametrize("is_special", [True, False])
def test_text_has_no_opening(format: Format, is_special: bool) -> None:
    words = vocabulary(format, special=is_special)
    lark = opening_grammar(format, NAMES, json_calls=True, special=words.special)
    for text in ("Hello.", "So <b>bold</b>.", '{"name": "Alice"}', "```python\nx = 1\n```"):
        assert not begins(words, lark, words.tokenized(format, Turn(text)))


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "get_weather", "arguments": {}}',
        '{"type": "function", "name": "a.b-c"',
        '[{"name":"get_weather"',
        '```json\n{\n  "name": "get_weather"',
        '```\n{"name" : "a.b-c"',
        '<tools>\n{"name": "get_weather"',
        '\n\n{"name": "get_weather"',
    ],
)
def test_a_call_as_plain_json_has_an_opening_if_such_calls_are_read(text: str) -> None:
    hermes = FAMILIES["hermes"]
    words = vocabulary(hermes, special=True)
    for reads_json in (True, False):
        lark = opening_grammar(hermes, NAMES, json_calls=reads_json, special=words.special)
        assert begins(words, lark, text.encode()) is reads_json


def test_an_answer_prefix_is_left_out() -> None:
    format = FAMILIES["functionary_v32"]
    words = vocabulary(format, special=False)
    lark = opening_grammar(format, NAMES, json_calls=False, answer_prefix=">>>")
    assert begins(words, lark, b"get_weather\n{}")
    assert not begins(words, lark, b"all\nHello.")
