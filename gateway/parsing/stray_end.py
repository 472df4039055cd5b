"""Drops markers at the end of a text that mean nothing there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.chat.events import CallStart, Event, Note, NoteKind, Text
from gateway.formats.families import END_OF_TURN
from gateway.formats.format import Format
from gateway.formats.markers import any_of, overlap

MAX_RUN = 256  # characters that are held back


class StrayEnd:
    """Passes events on, without the markers between a text and the end of the turn or a call.

    These are the markers around thoughts, and end-of-turn tokens that the engine passes on as
    text. A marker after a space is mentioned by the text, and is part of it.
    """

    def __init__(self, format: Format, notes: list[Note]):
        thoughts = [one.think for one in (format, *format.variants) if one.think]
        found = {marker.strip() for pair in thoughts for marker in pair}
        self._markers = (*END_OF_TURN, *sorted(one for one in found if one[0] in "<["))
        self._run = re.compile(rf"(?<![ \t])(?:(?:{any_of(self._markers).pattern})\s*)+\Z")
        self._notes = notes
        self._held = ""
        self._before = ""  # the character before `_held`

    def filter(self, event: Event) -> Iterator[Event]:
        """Yields what is clear once `event` comes."""
        if isinstance(event, Text):
            yield from self._text(event.text)
        else:
            yield from self._release(is_end=isinstance(event, CallStart))
            yield event

    def close(self, *, complete: bool) -> Iterator[Event]:
        """Yields what was held back; the turn is `complete` unless it was cut off."""
        yield from self._release(is_end=complete)

    def _text(self, text: str) -> Iterator[Event]:
        text, self._held = self._held + text, ""
        if "<" in text or "[" in text:
            text = self._hold(text)
        if text:
            self._before = text[-1]
            yield Text(text)

    def _hold(self, text: str) -> str:
        """Holds back the end of `text` that may be stray markers; returns the rest."""
        whole, first = self._before + text, len(self._before)
        end = len(whole) - overlap(text, self._markers)
        near = max(first, len(whole) - MAX_RUN)
        run = self._run.search(whole, near) or self._run.search(whole, near, end)
        start = run.start() if run else end
        if whole[:start].endswith((" ", "\t")):
            return text
        self._held = whole[start:]
        return whole[first:start]

    def _release(self, *, is_end: bool) -> Iterator[Event]:
        held, self._held = self._held, ""
        if is_end and self._run.fullmatch(held):
            self._notes.append(Note(NoteKind.DROPPED, f"dropped {held!r} at the end of a text"))
        elif held:
            self._before = held[-1]
            yield Text(held)
