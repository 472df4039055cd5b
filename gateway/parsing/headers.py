"""Reads the headers of messages that have channels and recipients, such as gpt-oss's.

The parts of a header are those of https://developers.openai.com/cookbook/articles/openai-harmony
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.chat.events import Note, NoteKind
from gateway.formats.format import Header
from gateway.parsing.moves import Move
from gateway.parsing.scanner import Scanner

MAX_HEADER = 256  # characters


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message goes: its channel and its recipient, each "" if it has none.

    `header` is the text that says so.
    """

    channel: str
    recipient: str
    header: str

    @property
    def note(self) -> Note:
        return Note(NoteKind.REPAIRED, f"read {self.header!r} as the header of a message")


class HeaderReader:
    """Reads headers, whatever the order of their parts and the white space between them."""

    def __init__(self, scanner: Scanner, header: Header):
        self._buffer = scanner.buffer
        self._end = header.end
        channel, recipient = re.escape(header.channel), re.escape(header.recipient)
        self._channel = re.compile(rf"{channel}\s*(\w+)")
        self._recipient = re.compile(rf"{recipient}\s*([^\s<]+)")
        self._endless = re.compile(
            rf"\s*{channel}\s*({'|'.join(header.channels)})(?!\w|\s*(?:{recipient}|<\|))"
        )

    def read(self) -> Move[Address | None]:
        """Consumes a header, if one comes next; without an end, it is no more than its channel."""
        buffer = self._buffer
        while self._end not in buffer.ahead[:MAX_HEADER] and not buffer.is_closed:
            if len(buffer.ahead) >= MAX_HEADER:
                break
            yield None
        head, end, _ = buffer.ahead[:MAX_HEADER].partition(self._end)
        channel, recipient = _last(self._channel, head), _last(self._recipient, head)
        if end and _PARTS.fullmatch(head) and (channel or recipient):
            return Address(channel, recipient, buffer.take(len(head + end)))
        if start := self._endless.match(head):
            return Address(start[1], "", buffer.take(start.end()))
        return None


def _last(pattern: re.Pattern[str], text: str) -> str:
    return next(reversed(pattern.findall(text)), "")


_PARTS = re.compile(r"(?:[\w\s/.:=+-]|<\|\w+\|>)*")
