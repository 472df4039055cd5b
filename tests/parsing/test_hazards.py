"""Deviations that models generate, one example each; the decoder reads them as they are meant."""

from __future__ import annotations

import pytest

from gateway.chat.events import CallArguments, CallEnd, CallStart, Event, Reasoning, Text, collect
from gateway.chat.json import Json
from gateway.chat.messages import Call, Tool, Turn
from gateway.formats.encode import encode
from gateway.formats.families import (
    FUNCTIONARY_V32,
    GROQ,
    HERMES,
    LLAMA3,
    MINICPM5,
    MISTRAL,
    MISTRAL_V13,
    QWEN3,
    QWEN_CODER,
)
from gateway.formats.format import Elements, Format
from gateway.parsing.decoder import Decoder
from gateway.parsing.moves import Malformed
from tests.depth import pick
from tests.formats.roundtrip import EVERY_FORMAT

TOOLS = [
    Tool("f", "", {"type": "object", "properties": {"a": {"type": "string"}}}),
    Tool("get-time", "", {"type": "object"}),
    Tool("get_time", "", {"type": "object"}),
]
CALL = '<tool_call>\n{"name": "f", "arguments": {"a": "x"}}\n</tool_call>'
CALLED = (Call("f", {"a": "x"}),)


def events(
    format: Format, text: str, *, whole_calls: bool = False, complete: bool = True
) -> tuple[list[Event], list[str]]:
    """The events of text that arrives by character, and the notes; one piece gives the same."""
    decoder, once = (Decoder(format, TOOLS, whole_calls=whole_calls) for _ in range(2))
    found = [event for character in text for event in decoder.feed(character)]
    found += decoder.close(complete=complete)
    at_once = [*once.feed(text), *once.close(complete=complete)]
    assert collect(found) == collect(at_once)
    return found, [note.text for note in decoder.notes]


def turn(format: Format, text: str, *, whole_calls: bool = False, complete: bool = True) -> Turn:
    return collect(events(format, text, whole_calls=whole_calls, complete=complete)[0])


@EVERY_FORMAT
def test_a_turn_that_ends_as_declared_has_no_notes(format: Format) -> None:
    assert events(format, encode(format, Turn(calls=CALLED)), whole_calls=True)[1] == []


@pytest.mark.parametrize("whole_calls", [False, True])
def test_the_model_s_call_id_is_in_the_call_end_event(whole_calls: bool) -> None:
    called = '[TOOL_CALLS][{"name": "f", "arguments": {}, "id": "abcDEF123"}]'
    found, _ = events(MISTRAL, called, whole_calls=whole_calls)
    assert found[-1] == CallEnd("abcDEF123")


@EVERY_FORMAT
@pytest.mark.parametrize("whole_calls", [False, True])
def test_text_that_mentions_a_marker_stays_text(format: Format, whole_calls: bool) -> None:
    text = f"To call, write {format.trigger} and then  the name, as in {format.trigger}.\n"
    assert turn(format, text, whole_calls=whole_calls) == Turn(text)


@pytest.mark.parametrize("format", [QWEN3, MISTRAL_V13], ids=lambda format: format.name)
def test_reasoning_that_mentions_a_marker_stays_reasoning(format: Format) -> None:
    assert format.think
    reasoning = f"I could write {format.trigger} here."
    text = reasoning.join(format.think) + "No."
    assert turn(format, text) == Turn("No.", reasoning)


def test_a_call_is_found_after_a_marker_that_was_only_mentioned() -> None:
    text = f"I use <tool_call> now:\n{CALL}"
    assert turn(HERMES, text) == Turn("I use <tool_call> now:", calls=CALLED)


@EVERY_FORMAT
def test_a_marker_inside_an_argument_is_text(format: Format) -> None:
    own = "" if isinstance(format.arguments, Elements) else f"{format.trigger} {format.calls[2]}"
    call = Call("f", {"a": f"{own} </tool_call> [ARGS]"})
    assert turn(format, encode(format, Turn(calls=(call,)))).calls == (call,)


def test_a_call_may_begin_before_reasoning_is_closed() -> None:
    assert turn(QWEN3, f"<think>\nHm.\n{CALL}") == Turn("", "Hm.", CALLED)


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "f", "arguments": {"a": "x"}}</tool_call>',
        '<tool_call>{"name":"f","arguments":{"a":"x"}}</tool_call>',
        '<tool_call>\n\n  {"name":  "f",\n"arguments": {"a": "x"} }\n\n</tool_call>',
    ],
)
def test_white_space_around_markers_may_differ(text: str) -> None:
    assert turn(HERMES, text) == Turn(calls=CALLED)


def test_line_breaks_between_tags_may_be_missing() -> None:
    text = "<tool_call><function=f><parameter=a>x</parameter></function></tool_call>"
    assert turn(QWEN_CODER, text) == Turn(calls=CALLED)


@pytest.mark.parametrize("length", range(CALL.index("}}") + 2, len(CALL)))
def test_a_closing_marker_may_be_missing_at_the_end(length: int) -> None:
    assert turn(HERMES, CALL[:length]) == Turn(calls=CALLED)


def test_text_between_two_calls_does_not_join_them() -> None:
    for between in ("", "\n", "\n\n "):
        assert turn(HERMES, CALL + between + CALL) == Turn(calls=CALLED * 2)


def test_a_thousand_calls_are_read_without_nesting() -> None:
    one = '{"name": "f", "parameters": {"a": "x"}}'
    assert turn(LLAMA3, "; ".join([one] * 1000)) == Turn(calls=CALLED * 1000)


@EVERY_FORMAT
@pytest.mark.parametrize("whole_calls", [False, True])
def test_tool_names_that_differ_in_a_dash_are_two_tools(format: Format, whole_calls: bool) -> None:
    names = ["get-time", "get_time"]
    turns = [names[:1], names[1:]] if format.single_call else [names]
    for names in turns:
        calls = tuple(Call(name, {}, "call00001") for name in names)
        text = encode(format, Turn(calls=calls))
        assert [call.name for call in turn(format, text, whole_calls=whole_calls).calls] == names


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("<![CDATA[a < b\n & c]]>", "a < b\n & c"),
        ("<![CDATA[]]>", ""),
        ("<![CDATA[x]] ]]>", "x]] "),
        ("a > b", "a > b"),
    ],
)
@pytest.mark.parametrize("whole_calls", [False, True])
def test_a_wrapped_value_is_unwrapped(written: str, value: str, whole_calls: bool) -> None:
    text = f'<function name="f"><param name="a">{written}</param></function>'
    assert turn(MINICPM5, text, whole_calls=whole_calls).calls == (Call("f", {"a": value}),)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{'b': [1, True, None], \"c\": 'é'}", {"b": [1, True, None], "c": "é"}),
        ('{"b": "it\'s"}', {"b": "it's"}),
        ("{'b': f()}", "{'b': f()}"),
    ],
)
def test_a_python_literal_is_read_as_a_value(written: str, value: Json) -> None:
    tools = [Tool("f", "", {"type": "object", "properties": {"a": {"type": "object"}}})]
    decoder = Decoder(QWEN_CODER, tools, whole_calls=True)
    text = f"<function=f>\n<parameter=a>\n{written}\n</parameter>\n</function>"
    assert collect([*decoder.feed(text), *decoder.close()]).calls == (Call("f", {"a": value}),)


@pytest.mark.parametrize(
    ("format", "text"),
    [
        (HERMES, CALL + "</tool_call>"),
        (HERMES, CALL + "\n</tool_call>\n</tool_call>"),
        (LLAMA3, '{"name": "f", "parameters": {"a": "x"}}}'),
        (MISTRAL, '[TOOL_CALLS][{"name": "f", "arguments": {"a": "x"}, "id": "123456789"}]]'),
    ],
)
def test_a_closing_tag_written_twice_is_dropped_and_noted(format: Format, text: str) -> None:
    found, notes = events(format, text)
    assert collect(found) == Turn(calls=CALLED)
    assert "second" in notes[0]


def test_text_in_place_of_a_call_index_is_kept_in_the_notes() -> None:
    text = CALL.replace('{"name"', '{"id": Hm.\n, "name"')
    found, notes = events(GROQ, text, whole_calls=True)
    assert collect(found).calls == CALLED
    assert notes == ["skipped 'Hm.\\n' in place of a number"]


def test_a_marker_that_begins_another_one_waits_for_more_text() -> None:
    decoder = Decoder(FUNCTIONARY_V32, TOOLS, whole_calls=True)
    for character in ">>>all\nHello.\n>>>all\n":
        decoder.feed(character)
    decoder.close(complete=False)
    assert decoder.notes == []


def test_text_after_calls_is_text() -> None:
    assert turn(HERMES, f"{CALL}\nThere you are.") == Turn("There you are.", calls=CALLED)


@pytest.mark.parametrize("whole_calls", [False, True])
def test_a_call_of_an_unknown_tool_is_text(whole_calls: bool) -> None:
    text = CALL.replace('"f"', '"g"')
    found, notes = events(HERMES, text, whole_calls=whole_calls)
    assert collect(found) == Turn(text)
    assert notes == ["not a call: no tool 'g' in this request"]


@pytest.mark.parametrize(
    "wrong", ['{"a": }', "{a: 1}", '{"a": NaN}', '{"a": [1}', '"x"', "{'a': 1}"]
)
def test_a_call_whose_arguments_are_not_json_is_text(wrong: str) -> None:
    text = f'So:\n<tool_call>\n{{"name": "f", "arguments": {wrong}}}\n</tool_call>'
    found, notes = events(HERMES, text, whole_calls=True)
    assert collect(found) == Turn(text)
    assert len(notes) == 1


def test_an_unpaired_surrogate_in_a_repaired_call_stays_escaped() -> None:
    text = '<tool_call>\n{"name": "f", "arguments": "{\\"a\\": \\"\\\\ud800\\"}"}\n</tool_call>'
    found, _ = events(HERMES, text, whole_calls=True)
    assert CallArguments('{"a": "\\ud800"}') in found


def test_a_raw_nan_is_a_string() -> None:
    text = encode(QWEN_CODER, Turn(calls=(Call("get_time", {"a": "NaN"}),)))
    assert turn(QWEN_CODER, text).calls == (Call("get_time", {"a": "NaN"}),)


@pytest.mark.parametrize("length", range(len("<tool_call>"), len(CALL)))
def test_a_truncated_call_is_not_returned(length: int) -> None:
    text = CALL[:length]
    found, _ = events(HERMES, text, complete=False)
    assert CallEnd() not in found
    assert collect(found) == Turn()
    found, notes = events(HERMES, text, whole_calls=True, complete=False)
    assert collect(found) == Turn()
    assert notes == [f"cut off: {text!r}"]


@EVERY_FORMAT
def test_a_truncated_call_is_not_noted_as_malformed(format: Format) -> None:
    text = encode(format, Turn(calls=(Call("f", {"a": "x"}, "call00001"),)))
    for length in range(len(text)):
        _, notes = events(format, text[:length], whole_calls=True, complete=False)
        assert not any(note.startswith("not a call") for note in notes), text[:length]


@pytest.mark.parametrize("cut", ["<", "<par", "</func", "</function>\n</to"])
def test_a_call_that_ends_inside_a_tag_is_truncated(cut: str) -> None:
    text = f"<tool_call>\n<function=get_time>\n{cut}"
    found, notes = events(QWEN_CODER, text, whole_calls=True, complete=False)
    assert collect(found) == Turn()
    assert notes == [f"cut off: {text!r}"]


def test_calls_before_a_truncated_call_are_returned() -> None:
    text = f"{CALL}\n{CALL[:30]}"
    assert turn(HERMES, text, whole_calls=True, complete=False) == Turn(calls=CALLED)
    assert turn(HERMES, text, complete=False) == Turn(calls=CALLED)


def test_a_marker_is_text_if_there_are_no_tools() -> None:
    decoder = Decoder(HERMES, [])
    assert collect([*decoder.feed(CALL), *decoder.close()]) == Turn(CALL)


def test_a_strict_parser_rejects_deviations() -> None:
    decoder = Decoder(HERMES, TOOLS, strict=True)
    with pytest.raises(Malformed):
        decoder.feed(CALL.replace("\n", " "))


def test_arguments_are_streamed() -> None:
    decoder = Decoder(GROQ, TOOLS)
    assert decoder.feed('Hi.\n<tool_call>\n{"id": 0, "name": "f", "arguments": {"a') == [
        Text("Hi."),
        CallStart("f"),
        CallArguments('{"a'),
    ]
    assert decoder.feed('": "x"') == [CallArguments('": "x"')]
    assert decoder.feed("}}\n</tool_call>") == [CallArguments("}"), CallEnd()]


def test_reasoning_is_streamed() -> None:
    decoder = Decoder(QWEN3, TOOLS)
    assert decoder.feed("<think>\nWell") == [Reasoning("Well")]
    assert decoder.feed(" then\n</thi") == [Reasoning(" then")]
    assert decoder.feed("nk>\n\nYes.") == [Text("Yes.")]


@pytest.mark.parametrize("whole_calls", [False, True])
@pytest.mark.parametrize("format", [HERMES, QWEN_CODER], ids=lambda format: format.name)
def test_long_arguments_are_scanned_once(format: Format, whole_calls: bool) -> None:
    call = Call("f", {"a": "abcdefg " * pick(fast=8_192, deep=131_072)})
    text = encode(format, Turn(calls=(call,)))
    decoder = Decoder(format, TOOLS, whole_calls=whole_calls)
    found, ahead = [], []
    for start in range(0, len(text), 8):
        found += decoder.feed(text[start : start + 8])
        ahead.append(len(decoder._buffer.ahead))
    assert collect([*found, *decoder.close()]).calls == (call,)
    assert max(ahead) < 64  # what is not ahead has been passed, and is not looked at again
