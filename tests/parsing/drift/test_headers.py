"""Messages of gpt-oss whose headers are not as declared."""

from __future__ import annotations

import pytest

from gateway.chat.events import NoteKind, collect
from gateway.chat.messages import Turn
from gateway.formats.families import HARMONY
from gateway.parsing.decoder import Decoder
from tests.parsing.drift.reading import F, G, read, read_with_notes

THOUGHT = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"


@pytest.mark.parametrize(
    "header",
    [
        "<|channel|>commentary to=functions.f <|constrain|>json<|message|>",
        "<|channel|>commentary to=functions.f<|constrain|>json<|message|>",
        "<|channel|>commentary to=functions.f json<|message|>",
        "<|channel|>commentary to=f <|constrain|>json<|message|>",
        "<|channel|>commentary <|constrain|>json to=functions.f<|message|>",
        "<|channel|>commentary  to=functions.f  <|constrain|> json <|message|>",
        "<|channel|>analysis to=functions.f code<|message|>",
        "<|channel|>analysis to=f<|message|>",
        "<|channel|>comment to=functions.f <|constrain|>json<|message|>",
        "<|channel|>final to=functions.f <|constrain|>json<|message|>",
        "<|channel|>to=functions.f<|message|>",
        " to=functions.f<|channel|>commentary <|constrain|>json<|message|>",
        " to=f<|channel|>commentary json<|message|>",
        " to=f<|channel|>analysis code<|message|>",
        " to=f<|message|>",
    ],
)
@pytest.mark.parametrize("space", ["", "\n", " \n\n"])
@pytest.mark.parametrize("end", ["<|call|>", "<|end|>", ""])
def test_a_message_to_a_tool_is_a_call(header: str, space: str, end: str) -> None:
    text = f'{THOUGHT}{header}{space}{{"a": "x"}}{end}'
    assert read(HARMONY, text) == Turn("", "Hm.", (F,))


def test_calls_may_follow_one_another() -> None:
    text = (
        '<|channel|>analysis to=f<|message|>\n{"a": "x"}<|call|><|start|>assistant'
        " to=g<|channel|>commentary json<|message|>{}<|call|><|start|>assistant"
        "<|channel|>final json<|message|>Done."
    )
    assert read(HARMONY, text) == Turn("Done.", "", (F, G))


@pytest.mark.parametrize(
    "header",
    [
        "<|channel|>final json<|message|>",
        "<|channel|>final <|constrain|>json<|message|>",
        "<|channel|>final<|constrain|>json<|message|>",
        "<|channel|> final <|message|>",
        "<|channel|>final to=user<|message|>",
        "<|channel|>final",
        "<|channel|>comment<|message|>",
        "<|channel|>commentary json<|message|>",
        "<|channel|>commentary to=user<|message|>",
        "<|channel|>commentary to=nobody <|constrain|>json<|message|>",
        " to=user<|channel|>final<|message|>",
    ],
)
@pytest.mark.parametrize("thought", [THOUGHT, THOUGHT.replace("<|end|>", ""), ""])
def test_a_message_to_anybody_else_is_text(header: str, thought: str) -> None:
    text = f'{thought}{header}{{"a": "x"}}'
    assert read(HARMONY, text) == Turn('{"a": "x"}', "Hm." if thought else "")


def test_text_is_streamed_without_its_header() -> None:
    decoder = Decoder(HARMONY)
    events = [
        event
        for piece in ("<|channel|>fin", "al json", "<|message|>", "{", "}")
        for event in decoder.feed(piece)
    ]
    assert collect(events) == Turn("{}")


def test_reasoning_may_have_a_type_or_a_recipient() -> None:
    for header in ("analysis text", "commentary to=assistant<|channel|>analysis"):
        thought = f"<|channel|>{header}<|message|>Hm.<|end|>"
        text = f"{thought}<|start|>assistant<|channel|>final<|message|>Yes."
        assert read(HARMONY, text) == Turn("Yes.", "Hm.")


def test_what_is_said_to_the_vendor_s_own_tool_is_in_the_notes() -> None:
    message = "<|channel|>analysis to=browser.search code<|message|>{}<|call|>"
    turn, [note] = read_with_notes(HARMONY, message)
    assert turn == Turn()
    assert note.kind is NoteKind.UNADDRESSED
    assert "<|message|>{}" in note.text


@pytest.mark.parametrize(
    "text",
    [
        '<|channel|>commentary to=functions.other <|constrain|>json<|message|>{"a": 1}',
        "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{a",
        "<|channel|>?? to=",
        "to=5 is the answer",
    ],
)
def test_a_message_that_is_no_call_is_text(text: str) -> None:
    assert read(HARMONY, text) == Turn(text)


def test_a_header_that_is_cut_off_is_in_the_notes() -> None:
    turn, [note] = read_with_notes(HARMONY, "<|channel|>commentary to=g json", complete=False)
    assert turn == Turn()
    assert note.kind is NoteKind.TRUNCATED
