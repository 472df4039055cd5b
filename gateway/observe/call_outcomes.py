"""What became of the calls in an answer, for the metrics to count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.chat.events import CallEnd, CallStart, Event

OUTCOMES = {
    "whole": "read as it was written",
    "repaired": "read as it was meant",
    "truncated": "cut off or gone wrong before its end",
    "refused": "what began as a call and is none, so it came back as text",
}

# What a decoder's notes on such a call begin with.
_REFUSED = ("not read as a call", "said to nobody who is here")
_REPAIRED = ("read ", "dropped a second", "skipped ")
_CUT_OFF = "cut off"


def outcomes(events: Sequence[Event], notes: Sequence[str]) -> Counter[str]:
    """How many calls of each outcome there are in an answer that was read as `events`."""
    ended = sum(isinstance(event, CallEnd) for event in events)
    opened = sum(isinstance(event, CallStart) for event in events) - ended
    repaired = min(ended, _noted(notes, _REPAIRED))
    return +Counter(
        whole=ended - repaired,
        repaired=repaired,
        truncated=opened + _noted(notes, _CUT_OFF),
        refused=_noted(notes, _REFUSED),
    )


def _noted(notes: Sequence[str], begin: str | tuple[str, ...]) -> int:
    return sum(note.startswith(begin) for note in notes)
