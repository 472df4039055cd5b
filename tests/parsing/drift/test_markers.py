"""Markers that come twice, mean nothing, or are missing around calls."""

from __future__ import annotations

import pytest

from gateway.chat.events import NoteKind, Text
from gateway.chat.messages import Turn
from gateway.formats.encode import encode_calls
from gateway.formats.families import (
    DEEPSEEK_V31,
    END_OF_TURN,
    FAMILIES,
    GEMMA4,
    HERMES,
    KIMI_K2,
    LING3,
    MINIMAX_M2,
    QWEN3,
)
from gateway.formats.format import Format
from gateway.formats.related import without_section
from gateway.parsing.decoder import Decoder
from tests.parsing.drift.reading import TOOLS, F, G, read, read_with_notes

CALL = '<|tool_call>call:f{a:<|"|>x<|"|>}<tool_call|>'
SILENT = "<|channel>thought<channel|>"


@pytest.mark.parametrize(
    ("text", "turn"),
    [
        (f"{SILENT}Hi.", Turn("Hi.")),
        (f"{SILENT}{SILENT}Hi.", Turn("Hi.")),
        (f"Hi.{SILENT}", Turn("Hi.")),
        (f"Hi.{SILENT}{CALL}", Turn("Hi.", calls=(F,))),
        (f"{CALL}{SILENT}", Turn(calls=(F,))),
        (f"{CALL}<channel|>", Turn(calls=(F,))),
        ("<channel|>Hi.", Turn("Hi.")),
        ("Hi.<channel|>", Turn("Hi.")),
        ("Hi.<|channel>thought", Turn("Hi.")),
        ("<|channel>thought\n<|channel>thought\nHm.\n<channel|><channel|>Hi.", Turn("Hi.", "Hm.")),
        (f"{SILENT}<|channel>thought\nHm.\n<channel|>Hi.", Turn("Hi.", "Hm.")),
    ],
)
def test_channels_of_gemma_may_be_empty_or_come_twice(text: str, turn: Turn) -> None:
    assert read(GEMMA4, text) == turn


THINKING = [
    one
    for one in FAMILIES.values()
    if one.think and one.think[1].strip()[0] in "<[" and not one.section_separator
]


@pytest.mark.parametrize("format", THINKING, ids=lambda one: one.name)
def test_what_closes_a_thought_is_dropped_at_the_end_of_a_text(format: Format) -> None:
    assert format.think
    before, after = format.content
    turn, notes = read_with_notes(format, f"{before}Hi.{format.think[1]}{after}{format.turn_end}")
    assert turn.text.strip() == "Hi."
    assert [note.kind for note in notes] == [NoteKind.DROPPED]


@pytest.mark.parametrize("marker", END_OF_TURN)
def test_an_end_of_turn_token_at_the_end_is_dropped(marker: str) -> None:
    turn, [note] = read_with_notes(HERMES, f"Hi.{marker}")
    assert turn == Turn("Hi.")
    assert note.kind is NoteKind.DROPPED
    assert read(HERMES, f"{encode_calls(HERMES, (F,))}\n{marker}") == Turn(calls=(F,))


def test_several_markers_at_the_end_are_dropped() -> None:
    assert read(QWEN3, "Hi.</think>\n<|im_end|>\n<|im_start|>") == Turn("Hi.")
    assert read(LING3, "Hi.<|role_end|><|role_end|>") == Turn("Hi.")


@pytest.mark.parametrize(
    "text",
    [
        "It ends with <|im_end|>",
        "It ends with <|im_end|>.",
        "<|im_end|> ends it.",
        "Hi.<|im_end|>\n<|im_start|>user\nMore?",
        "Hi.<|im_en",
    ],
)
def test_a_marker_that_is_mentioned_is_text(text: str) -> None:
    assert read(HERMES, text) == Turn(text)


def test_what_is_cut_off_at_a_marker_keeps_it() -> None:
    assert read(HERMES, "Hi.<|im_end|>", complete=False) == Turn("Hi.<|im_end|>")


def test_text_before_a_marker_is_streamed() -> None:
    decoder = Decoder(HERMES, TOOLS)
    assert decoder.feed("Hi.") == [Text("Hi.")]
    assert decoder.feed(" <|im_end") == [Text(" <|im_end")]
    assert decoder.feed("|> so.<|im_") == [Text("|> so.")]
    assert decoder.feed("end|>") == []
    assert decoder.feed("x") == [Text("<|im_end|>x")]


@pytest.mark.parametrize("opened", ["", "thought"])
@pytest.mark.parametrize(
    "format", [one for one in FAMILIES.values() if without_section(one)], ids=lambda one: one.name
)
def test_the_markers_around_all_calls_may_be_missing(format: Format, opened: str) -> None:
    calls = encode_calls(format, (F, G))
    bare = calls.removeprefix(format.calls[0]).removesuffix(format.calls[2])
    thought = f"{format.think[0]}Hm." if opened and format.think else ""
    for text in (bare, bare + format.calls[2], format.calls[0] + bare):
        assert read(format, thought + text) == Turn("", "Hm." if thought else "", (F, G))


@pytest.mark.parametrize("format", [KIMI_K2, DEEPSEEK_V31, MINIMAX_M2], ids=lambda one: one.name)
def test_text_follows_calls_without_markers_around_them(format: Format) -> None:
    calls = encode_calls(format, (F,)).strip()
    bare = calls.removeprefix(format.calls[0].strip()).removesuffix(format.calls[2].strip())
    turn = read(format, f"Hi.\n{bare}\nDone.")
    assert turn.calls == (F,)
    assert turn.text.split() == ["Hi.", "Done."]


def test_few_characters_are_held_back() -> None:
    decoder = Decoder(HERMES, TOOLS)
    events = [event for _ in range(1000) for event in decoder.feed("<|im_end|>\n")]
    assert len("".join(event.text for event in events if isinstance(event, Text))) > 10_000
    assert read(HERMES, "<|im_end|>\n" * 100).text
