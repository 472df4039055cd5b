"""The stop filter ends text before a stop string, for any split into pieces."""

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
    """Returns `text` up to the stop string that is completed first."""
    for end in range(1, len(text) + 1):
        starts = [end - len(s) for s in strings if text[:end].endswith(s)]
        if starts:
            return text[: min(starts)]
    return text


LETTERS = st.text("abc", max_size=12)
STRINGS = st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=4).map(tuple)


@given(LETTERS, STRINGS, st.lists(st.integers(1, 4), max_size=12))
def test_text_ends_before_the_first_complete_stop_string(
    text: str, strings: tuple[str, ...], cuts: list[int]
) -> None:
    pieces, at = [], 0
    for length in cuts:
        pieces.append(text[at : at + length])
        at += length
    pieces.append(text[at:])
    said = shown(strings, *([Text(piece)] for piece in pieces))
    assert text_of(said) == cut_off(text, strings)


def test_the_stop_string_that_was_reached_is_told() -> None:
    stop = Stop(("b", "ST"))
    assert stop.matched is None
    list(stop.filter([Text("a S")], ended=False))
    assert stop.matched is None
    list(stop.filter([Text("Tb")], ended=True))
    assert stop.matched == "ST"


def test_stop_string_is_found_across_pieces() -> None:
    assert text_of(shown(("STOP",), [Text("a S")], [Text("TO")], [Text("P b")])) == "a "


def test_partial_stop_string_is_emitted() -> None:
    assert text_of(shown(("STOP",), [Text("a STO")], [Text("RY")])) == "a STORY"
    assert text_of(shown(("STOP",), [Text("a STO")])) == "a STO"


def test_partial_stop_string_is_withheld_only_until_it_differs() -> None:
    stop = Stop(("STOP",))
    assert text_of(list(stop.filter([Text("a ST")], ended=False))) == "a "
    assert text_of(list(stop.filter([Text("x")], ended=False))) == "STx"


def test_nothing_is_emitted_after_a_stop_string() -> None:
    later: list[Event] = [Text("more"), CallStart("f"), CallEnd()]
    assert shown(("!",), [Text("Hi! Ho"), *later], later) == [Text("Hi")]


def test_stop_string_in_calls_and_thoughts_is_ignored() -> None:
    events: list[Event] = [Reasoning("STOP"), CallStart("f"), CallArguments('"STOP"'), CallEnd()]
    assert shown(("STOP",), events) == events


def test_stop_string_does_not_span_a_call() -> None:
    events: list[Event] = [Text("ST"), CallStart("f"), CallEnd(), Text("OP")]
    assert shown(("STOP",), events) == events


def test_events_are_unchanged_without_stop_strings() -> None:
    events: list[Event] = [Text("a"), Text("b")]
    assert shown((), events) == events
