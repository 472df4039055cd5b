"""A stop string ends the text that says it, however that text is cut."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gateway.chat.events import CallArguments, CallEnd, CallStart, Event, Reasoning, Text
from gateway.generate.stop import Stop


def shown(strings: tuple[str, ...], *batches: Sequence[Event]) -> list[Event]:
    stop = Stop(strings)
    last = len(batches) - 1
    return [e for i, batch in enumerate(batches) for e in stop.filter(batch, ended=i == last)]


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def cut_off(text: str, strings: tuple[str, ...]) -> str:
    """`text` before the stop string that is first complete, read letter by letter."""
    for end in range(1, len(text) + 1):
        starts = [end - len(s) for s in strings if text[:end].endswith(s)]
        if starts:
            return text[: min(starts)]
    return text


LETTERS = st.text("abc", max_size=12)
STRINGS = st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=4).map(tuple)


@given(LETTERS, STRINGS, st.lists(st.integers(1, 4), max_size=12))
def test_text_ends_where_a_stop_string_is_first_complete(
    text: str, strings: tuple[str, ...], cuts: list[int]
) -> None:
    pieces, at = [], 0
    for length in cuts:
        pieces.append(text[at : at + length])
        at += length
    pieces.append(text[at:])
    said = shown(strings, *([Text(piece)] for piece in pieces))
    assert text_of(said) == cut_off(text, strings)


def test_a_stop_string_may_come_in_pieces() -> None:
    assert text_of(shown(("STOP",), [Text("a S")], [Text("TO")], [Text("P b")])) == "a "


def test_what_only_looks_like_a_stop_string_is_shown() -> None:
    assert text_of(shown(("STOP",), [Text("a STO")], [Text("RY")])) == "a STORY"
    assert text_of(shown(("STOP",), [Text("a STO")])) == "a STO"


def test_text_is_held_back_no_longer_than_it_must_be() -> None:
    stop = Stop(("STOP",))
    assert text_of(list(stop.filter([Text("a ST")], ended=False))) == "a "
    assert text_of(list(stop.filter([Text("x")], ended=False))) == "STx"


def test_nothing_is_shown_after_a_stop_string() -> None:
    later: list[Event] = [Text("more"), CallStart("f"), CallEnd()]
    assert shown(("!",), [Text("Hi! Ho"), *later], later) == [Text("Hi")]


def test_calls_and_thoughts_may_say_a_stop_string() -> None:
    events: list[Event] = [Reasoning("STOP"), CallStart("f"), CallArguments('"STOP"'), CallEnd()]
    assert shown(("STOP",), events) == events


def test_a_stop_string_does_not_reach_over_a_call() -> None:
    events: list[Event] = [Text("ST"), CallStart("f"), CallEnd(), Text("OP")]
    assert shown(("STOP",), events) == events


def test_without_stop_strings_all_passes_as_it_came() -> None:
    events: list[Event] = [Text("a"), Text("b")]
    assert shown((), events) == events
