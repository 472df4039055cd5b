"""Any mix of a family's markers is decoded without an error."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.chat.events import CallArguments, CallEnd, CallStart, Event, collect
from gateway.chat.messages import Call, Tool, Turn
from gateway.formats.encode import encode
from gateway.formats.format import AsJson, Format, Placeholder, Tagged, parts
from gateway.parsing.decoder import Decoder
from tests.depth import pick
from tests.formats.roundtrip import EVERY_FORMAT, canonical
from tests.formats.strategies import LAW, TRAPS, cuts

FUZZED = settings(LAW, max_examples=pick(fast=8, deep=150))
TOOLS = [
    Tool("f", "", {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}}),
    Tool("g-h", "", {"type": "object"}),
]
BYTES = st.binary(max_size=20).map(lambda raw: raw.decode(errors="replace"))


def markers_of(format: Format) -> list[str]:
    """All markers and parts of markers in the family's turns."""
    found = [encode(format, Turn("", "", (Call("f", {"a": "b", "b": [1]}, "abcDEF123"),)))]
    for variant in (format, *format.variants):
        pieces = [
            *variant.markers,
            *parts(variant.call),
            variant.trigger,
            variant.section_separator,
        ]
        found += [piece for piece in pieces if not isinstance(piece, Placeholder)]
        found += [variant.first_call]
        found += [*variant.header.triggers, variant.header.end] if variant.header else []
    return [marker for marker in dict.fromkeys(found) if marker]


@st.composite
def mixes(draw: st.DrawFn, format: Format) -> tuple[str, list[str]]:
    """A text, and the words that occur in it once each."""
    own = st.sampled_from([*markers_of(format), "f", "g-h", '{"a": "', '"}', "}}", ", ", "\n"])
    pieces = draw(st.lists(st.none() | own | own | st.sampled_from(TRAPS) | BYTES, max_size=12))
    words = {i: f"word{i}" for i, piece in enumerate(pieces) if piece is None}
    return "".join(words.get(i) or piece or "" for i, piece in enumerate(pieces)), [*words.values()]


def read(
    format: Format, pieces: list[str], *, whole_calls: bool, complete: bool
) -> tuple[list[Event], list[str]]:
    decoder = Decoder(format, TOOLS, whole_calls=whole_calls)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return [*events, *decoder.close(complete=complete)], [note.text for note in decoder.notes]


def all_text(events: list[Event]) -> str:
    """All text in the events."""
    text = ""
    for event in events:
        match event:
            case CallStart(name):
                text += name
            case CallArguments(json):
                text += json
            case CallEnd(id):
                text += id
            case _:
                text += event.text
    return text


@EVERY_FORMAT
@FUZZED
@given(data=st.data())
def test_any_mix_of_markers_decodes_the_same_however_it_is_split(
    format: Format, data: st.DataObject
) -> None:
    text, _ = data.draw(mixes(format))
    complete = data.draw(st.booleans())
    # Half a call is only sent where a grammar keeps it from going wrong.
    whole_calls = data.draw(st.booleans()) or not isinstance(format.arguments, AsJson | Tagged)
    once, noted = read(format, [text], whole_calls=whole_calls, complete=complete)
    events, notes = read(format, data.draw(cuts(text)), whole_calls=whole_calls, complete=complete)
    assert (canonical(collect(events)), notes) == (canonical(collect(once)), noted)


@EVERY_FORMAT
@FUZZED
@given(data=st.data())
def test_no_word_between_markers_is_lost(format: Format, data: st.DataObject) -> None:
    text, words = data.draw(mixes(format))
    events, notes = read(format, [text], whole_calls=True, complete=data.draw(st.booleans()))
    found = all_text(events) + "".join(notes)
    assert [word for word in words if word not in found] == []
