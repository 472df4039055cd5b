"""Outcomes of the tool calls in one answer, for the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.chat.events import CallEnd, CallStart, Event, Note, NoteKind

OUTCOMES = {
    "whole": "parsed as generated",
    "repaired": "malformed, but parsed",
    "truncated": "cut off or malformed before its end",
    "refused": "not a valid call, returned as text",
}
REFUSED = (NoteKind.NOT_A_CALL, NoteKind.UNKNOWN_TOOL, NoteKind.UNADDRESSED)


def outcomes(events: Sequence[Event], notes: Sequence[Note]) -> Counter[str]:
    """Counts the tool calls of an answer by outcome; `notes` are those of its decoder."""
    kinds = Counter(note.kind for note in notes)
    ended = sum(isinstance(event, CallEnd) for event in events)
    opened = sum(isinstance(event, CallStart) for event in events) - ended
    repaired = min(ended, kinds[NoteKind.REPAIRED])
    return +Counter(
        whole=ended - repaired,
        repaired=repaired,
        truncated=opened + kinds[NoteKind.TRUNCATED],
        refused=sum(kinds[kind] for kind in REFUSED),
    )
