"""Calls that are closed once too often or once too seldom."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.chat.json import Object
from gateway.chat.messages import Call, Turn
from gateway.formats.encode import encode_calls
from gateway.formats.families import (
    FAMILIES,
    GEMMA4,
    HERMES,
    KIMI_K2,
    LLAMA3,
    MINIMAX_M3,
    MISTRAL_V13,
    QWEN35,
    XLAM,
)
from gateway.formats.format import Format, Tagged, literal
from gateway.formats.markers import core, words
from tests.parsing.drift.reading import F, read, read_with_notes

CALL = Call("f", {"a": "x", "n": 2})


def closers(format: Format) -> Iterator[tuple[str, str, str]]:
    """For each marker after the arguments of a call: the text before it, it, the text after it."""
    text = encode_calls(format, (CALL,))
    after = (
        format.calls[2] if "$id" in format.call else literal(format.parts[-1:]) + format.calls[2]
    )
    at = len(text) - len(after)
    for word in words(after):
        at = text.index(word, at)
        yield text[:at], word, text[at + len(word) :]
        at += len(word)


CLOSERS = pytest.mark.parametrize(
    ("format", "before", "closer", "after"),
    [
        pytest.param(format, *parts, id=f"{format.name}-{parts[1]}")
        for format in FAMILIES.values()
        for parts in closers(format)
    ],
)


@CLOSERS
@pytest.mark.parametrize("space", ["", "\n"])
def test_a_closer_may_come_twice(
    format: Format, before: str, closer: str, after: str, space: str
) -> None:
    turn, notes = read_with_notes(format, before + closer + space + closer + after)
    assert turn == Turn(calls=(CALL,))
    assert notes


@CLOSERS
@pytest.mark.parametrize("text", ["", "\nDone."])
def test_a_closer_may_be_missing(
    format: Format, before: str, closer: str, after: str, text: str
) -> None:
    turn = read(format, before + after + text)
    assert turn.calls == (CALL,)
    assert turn.text.strip() == text.strip()


def between_calls() -> Iterator[tuple[Format, str, str]]:
    """A format, a closer of its calls, and two calls of which the first ends before it."""
    for format in FAMILIES.values():
        two = encode_calls(format, (CALL, CALL))
        for before, closer, _ in closers(format):
            rest = two.removeprefix(before + closer)
            # Without a bracket, Python's next call would be an argument.
            if not format.single_call and rest != two and closer != ")":
                yield format, closer, f"{before}{MISSING}{rest}"


MISSING = "\0"


@pytest.mark.parametrize(("format", "closer", "calls"), [*between_calls()])
@pytest.mark.parametrize("times", [0, 2])
def test_the_next_call_is_read_too(format: Format, closer: str, calls: str, times: int) -> None:
    assert read(format, calls.replace(MISSING, closer * times)).calls == (CALL, CALL)


TAGGED = pytest.mark.parametrize(
    "format",
    [one for one in FAMILIES.values() if isinstance(one.arguments, Tagged)],
    ids=lambda one: one.name,
)


def argument_closer(format: Format) -> str:
    assert isinstance(format.arguments, Tagged)
    return core(literal(format.arguments.parts[-1:]))


@TAGGED
@pytest.mark.parametrize("space", ["", "\n"])
@pytest.mark.parametrize("arguments", [{"a": "x"}, {"a": "x", "n": 2}, {"o": {"b": 1}, "a": "x"}])
def test_the_closer_of_an_argument_may_come_twice(
    format: Format, space: str, arguments: Object
) -> None:
    closer = argument_closer(format)
    call = Call("f", arguments)
    text = encode_calls(format, (call,)).replace(closer, closer + space + closer)
    turn, notes = read_with_notes(format, text)
    assert turn == Turn(calls=(call,))
    assert len(notes) == len(arguments)


@TAGGED
def test_the_closer_of_an_argument_within_a_text_is_text(format: Format) -> None:
    closer = argument_closer(format)
    call = Call("f", {"a": f"x {closer}{closer} y"})
    assert read(format, encode_calls(format, (call,))) == Turn(calls=(call,))


@pytest.mark.parametrize("tag", ["</a>", "</o>"])
def test_the_closer_of_an_element_may_come_twice(tag: str) -> None:
    call = Call("f", {"o": {"a": "y"}, "a": "x"})
    text = encode_calls(MINIMAX_M3, (call,))
    closer = f"]<]minimax[>[{tag}"
    assert read(MINIMAX_M3, text.replace(closer, closer * 2)) == Turn(calls=(call,))


@pytest.mark.parametrize(
    ("format", "text"),
    [
        (HERMES, '<tool_call>{"name": "f", "arguments": {"a": "x"}'),
        (HERMES, '<tool_call>{"name": "f", "arguments": {"a": "x"}}}}</tool_call></tool_call>'),
        (HERMES, '<tool_call>{"arguments": {"a": "x"}, "name": "f"}}</tool_call>'),
        (LLAMA3, '{"name": "f", "parameters": {"a": "x"}'),
        (XLAM, '[{"name": "f", "arguments": {"a": "x"}]'),
        (XLAM, '[{"name": "f", "arguments": {"a": "x"}}}]]'),
        (MISTRAL_V13, '[TOOL_CALLS]f[ARGS]{"a": "x"}}'),
        (KIMI_K2, '<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0'
                  '<|tool_call_argument_begin|>{"a": "x"}}<|tool_call_end|>'),
        (GEMMA4, '<|tool_call>call:f{a:<|"|>x<|"|>}}<tool_call|>'),
        (QWEN35, "<tool_call><function=f><parameter=a>x</parameter></tool_call></function>"),
    ],
)  # fmt: skip
def test_a_bracket_may_be_missing_or_come_twice(format: Format, text: str) -> None:
    turn, notes = read_with_notes(format, text)
    assert turn == Turn(calls=(F,))
    assert notes


@pytest.mark.parametrize("tag", ["</function_invocation>", "</tool_response>", "</invoke>"])
@pytest.mark.parametrize("text", ["", "Done."])
def test_a_closing_tag_of_nothing_after_a_call_is_dropped(tag: str, text: str) -> None:
    turn, [note] = read_with_notes(HERMES, f"{encode_calls(HERMES, (F,))}\n{tag}\n{text}")
    assert turn == Turn(text, calls=(F,))
    assert tag in note.text
