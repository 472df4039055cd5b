"""An answer without tools may have any tokens, but none that open a call."""

from __future__ import annotations

import pytest

from gateway.formats.families import FAMILIES, HERMES, JSON_BLOCK, SMOLLM2_TOOLS, XLAM
from gateway.formats.format import Format
from gateway.grammar.plain_text import no_call_grammar
from gateway.grammar.turn import is_marker
from tests.formats.vocabulary import Vocabulary, vocabulary

HELD = [one for one in FAMILIES.values() if no_call_grammar(one, {})]


def accepted(words: Vocabulary, format: Format, tokens: list[int]) -> int:
    """The number of `tokens` that the grammar admits."""
    lark = no_call_grammar(format, words.special)
    assert lark
    return int(words.matcher(lark).try_consume_tokens(tokens))


@pytest.mark.parametrize("format", [XLAM, JSON_BLOCK], ids=lambda format: format.name)
def test_calls_that_begin_as_other_text_does_are_not_held(format: Format) -> None:
    assert no_call_grammar(format, {}) is None


@pytest.mark.parametrize("format", HELD, ids=lambda format: format.name)
@pytest.mark.parametrize("is_special", [False, True])
def test_the_trigger_of_a_call_cannot_be_written(format: Format, is_special: bool) -> None:
    words = vocabulary(format, special=is_special)
    for one in (format, *format.variants):
        if not is_marker(one.trigger):
            continue
        as_text = list(f"Well, {one.trigger}".encode())
        assert accepted(words, format, as_text) == len(as_text) - 1
        marker = next((m for m in words.special if one.trigger.startswith(m)), None)
        if marker:
            rest = list(one.trigger.removeprefix(marker).encode())
            tokens = [*b"Well, ", words.special[marker], *rest]
            assert accepted(words, format, tokens) < len(tokens)


@pytest.mark.parametrize("text", ["<", " \n<tool"])
def test_a_format_may_reserve_the_start_of_its_trigger(text: str) -> None:
    tokens = list(text.encode())
    assert accepted(Vocabulary(), SMOLLM2_TOOLS, tokens) == text.index("<")
    assert accepted(Vocabulary(), HERMES, tokens) == len(text)


def test_other_text_and_special_tokens_can_be_written() -> None:
    words = Vocabulary(special=["<tool_call>", "<think>", "<|odd|>", "</think>"])
    odd = [words.special[marker] for marker in ("<|odd|>", "<think>", "</think>")]
    tokens = [*odd, *"<tool_cal l> {} é".encode(), *odd]
    assert accepted(words, HERMES, tokens) == len(tokens)
