"""Thoughts that are opened twice, that contain calls, or that the family does not have."""

from __future__ import annotations

import pytest

from gateway.chat.events import Event, Reasoning, Text
from gateway.chat.messages import Turn
from gateway.formats.encode import encode, encode_calls
from gateway.formats.families import FAMILIES, GRANITE3, HERMES, LLAMA3, QWEN3
from gateway.formats.format import Format
from gateway.parsing.decoder import Decoder
from tests.formats.roundtrip import EVERY_FORMAT
from tests.parsing.drift.reading import TOOLS, F, read

FORMATS = [one for one in FAMILIES.values() if one.think and not one.calls_are_sections]
BARE_TEXT = [one for one in FORMATS if not one.content[0] and not one.single_call]
THINKING = pytest.mark.parametrize("format", FORMATS, ids=lambda one: one.name)


def thought(format: Format, text: str) -> str:
    """An open thought, and what closes it."""
    assert format.think
    return format.think[0] + text


def closed(format: Format) -> str:
    assert format.think
    return format.think[1]


def called(format: Format) -> str:
    return encode_calls(format, (F,))


@THINKING
def test_a_call_in_a_thought_after_which_nothing_follows_is_that_call(format: Format) -> None:
    text = thought(format, "Hm.\n") + called(format) + closed(format) + format.turn_end
    assert read(format, text) == Turn("", "Hm.", (F,))


@THINKING
def test_a_call_in_a_thought_before_a_text_is_no_call(format: Format) -> None:
    text = thought(format, "Hm.\n") + called(format) + closed(format)
    text += encode(format, Turn("Yes.")).removeprefix(format.empty_think)
    turn = read(format, text)
    assert (turn.text, turn.calls) == ("Yes.", ())
    assert turn.reasoning.startswith("Hm.\n")


@THINKING
def test_a_thought_that_is_cut_off_once_it_is_closed_has_no_calls(format: Format) -> None:
    text = thought(format, "Hm.\n") + called(format) + closed(format)
    assert read(format, text, complete=False).calls == ()


@pytest.mark.parametrize("format", BARE_TEXT, ids=lambda one: one.name)
def test_what_follows_a_call_in_an_unclosed_thought_is_content(format: Format) -> None:
    text = thought(format, "Hm.\n") + called(format) + "\nDone."
    assert read(format, text) == Turn("Done.", "Hm.", (F,))


def test_calls_and_text_after_a_call_in_an_unclosed_thought() -> None:
    text = (
        f"<think>\nHm: <tool_call> is it.\n{called(QWEN3)}\n{called(QWEN3)}\nSo.\n{called(QWEN3)}"
    )
    assert read(QWEN3, text) == Turn("So.", "Hm: <tool_call> is it.", (F, F, F))


@pytest.mark.parametrize("space", ["", "\n", "\n\n"])
@THINKING
def test_a_thought_that_is_opened_twice_is_one_thought(format: Format, space: str) -> None:
    opening = thought(format, "").rstrip()
    text = encode(format, Turn("Yes.", "Hm."))
    assert read(format, opening + space + text) == Turn("Yes.", "Hm.")
    assert read(format, text, opened=thought(format, space)) == Turn("Yes.", "Hm.")


@EVERY_FORMAT
@pytest.mark.parametrize("space", ["", "\n"])
def test_every_family_reads_a_thought_in_the_usual_form(format: Format, space: str) -> None:
    answer = Turn("Yes.") if format.calls_exclude_text else Turn("Yes.", calls=(F,))
    written = encode(format, answer).removeprefix(format.empty_think)
    text = f"{space}<think>\nHm.\n</think>\n\n{written}"
    assert read(format, text) == Turn(answer.text, "Hm.", answer.calls)


def test_a_call_may_follow_a_thought_in_a_family_of_text_or_calls() -> None:
    assert read(LLAMA3, f"<think>Hm.</think>{called(LLAMA3)}") == Turn("", "Hm.", (F,))


def test_a_thought_is_streamed_in_a_family_that_has_none() -> None:
    decoder = Decoder(GRANITE3, TOOLS)
    events: list[Event] = []
    for piece in ("<th", "ink>Hm", "...</th", "ink>", "Yes."):
        events += decoder.feed(piece)
    assert events == [Reasoning("Hm"), Reasoning("..."), Text("Yes.")]


def test_a_thought_within_a_text_is_text() -> None:
    text = "Models write <think>so</think>."
    assert read(HERMES, text) == Turn(text)
