"""Reads answers that are not written as declared."""

from __future__ import annotations

from gateway.chat.events import Event, Note, collect
from gateway.chat.json import Object
from gateway.chat.messages import Call, Tool, Turn
from gateway.formats.format import Format
from gateway.parsing.decoder import Decoder


def tool(name: str, **properties: str) -> Tool:
    """A tool whose properties have these JSON types."""
    schemas: Object = {key: {"type": type} for key, type in properties.items()}
    return Tool(name, "", {"type": "object", "properties": schemas})


TOOLS = [tool("f", a="string", n="integer", o="object"), tool("g")]
F = Call("f", {"a": "x"})
G = Call("g", {})


def read(format: Format, text: str, *, opened: str = "", complete: bool = True) -> Turn:
    """The turn, which has to be the same however its text is split; `opened` is in the prompt."""
    return read_with_notes(format, text, opened=opened, complete=complete)[0]


def read_with_notes(
    format: Format, text: str, *, opened: str = "", complete: bool = True
) -> tuple[Turn, list[Note]]:
    whole, *others = (_decoded(format, text, opened, size, complete) for size in (len(text), 1, 3))
    assert all(other == whole for other in others)
    return whole


def _decoded(
    format: Format, text: str, opened: str, size: int, complete: bool
) -> tuple[Turn, list[Note]]:
    decoder = Decoder(format, TOOLS, whole_calls=True)
    events: list[Event] = decoder.feed(opened)
    for start in range(0, len(text), size):
        events += decoder.feed(text[start : start + size])
    return collect([*events, *decoder.close(complete=complete)]), decoder.notes
