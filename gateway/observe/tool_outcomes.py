"""Outcomes of the calls of each tool, for the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.chat.events import AnswerEvent, CallEnd, CallStart, Note, NoteKind

TOOL_OUTCOMES = {
    "offered": "a request that lets the model call the tool",
    "called": "a complete call",
    "repaired": "of these, a malformed one",
    "invalid": "of these, one that does not match the tool's schema",
    "unknown": "a call of a tool that is not on offer, returned as text",
}
MAX_TOOLS = 100  # names of one model that have metrics of their own
OTHER = "other"


@dataclass(slots=True)
class CallsByTool:
    """Counts the calls of one answer by tool and outcome, as its events arrive.

    A repair counts for the call whose end follows. Unknown tools have no name, as there may be any
    number of them.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _name: str = ""
    _repairs: int = 0  # those that are counted

    def follow(self, event: AnswerEvent, notes: Sequence[Note]) -> None:
        """Counts an event; `notes` are those of the decoder so far."""
        match event:
            case CallStart(name):
                self._name = name
            case CallEnd():
                self.counts[self._name, "called"] += 1
                self._count_repair(notes)

    def finish(self, notes: Sequence[Note]) -> None:
        """Counts what is known at the end of the answer; `notes` are all of it."""
        if self.counts[self._name, "called"] > self.counts[self._name, "repaired"]:
            self._count_repair(notes)
        for note in notes:
            if note.kind is NoteKind.VIOLATION and note.tool:
                self.counts[note.tool, "invalid"] += 1
            if note.kind is NoteKind.UNKNOWN_TOOL:
                self.counts["", "unknown"] += 1

    def _count_repair(self, notes: Sequence[Note]) -> None:
        if sum(note.kind is NoteKind.REPAIRED for note in notes) > self._repairs:
            self._repairs += 1
            self.counts[self._name, "repaired"] += 1


class ToolNames:
    """Bounds the names of tools, which clients choose: later ones of a model are `OTHER`."""

    def __init__(self, max_tools: int = MAX_TOOLS):
        self._max_tools = max_tools
        self._known: dict[str, set[str]] = {}

    def label(self, model: str, name: str) -> str:
        """Returns the name of a tool, or `OTHER`; `name` is empty for an unknown tool."""
        known = self._known.setdefault(model, set())
        if name and len(known) < self._max_tools:
            known.add(name)
        return name if name in known else OTHER
