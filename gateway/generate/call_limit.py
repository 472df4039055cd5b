"""Keeps the first calls of an answer, if a model writes more than may be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.chat.events import CallArguments, CallEnd, CallStart, Event, Note, NoteKind


class CallLimit:
    """Passes the events of at most `max_calls` calls on; None admits any number."""

    def __init__(self, max_calls: int | None):
        self.notes: list[Note] = []
        self._max_calls = max_calls
        self._calls = 0

    def filter(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, CallStart):
                self._calls += 1
                if self._is_over:
                    text = f"dropped a call of {event.name!r}: only {self._max_calls} may be made"
                    self.notes.append(Note(NoteKind.DROPPED, text))
            if not (self._is_over and isinstance(event, CallStart | CallArguments | CallEnd)):
                yield event

    @property
    def _is_over(self) -> bool:
        return self._max_calls is not None and self._calls > self._max_calls
