"""An answer that no grammar holds: how much of it may go out, and whether it is what was asked."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.chat.events import Event, NoteKind, Text, collect
from gateway.chat.json import parse_json
from gateway.chat.messages import Call, Turn
from gateway.chat.request import Request
from gateway.formats.format import Format
from gateway.formats.markers import any_of, overlap
from gateway.parsing.decoder import Decoder
from gateway.parsing.expected_markers import ExpectedMarkers
from gateway.schema.validate import violation
from gateway.schema.validation_limits import UncheckedSchema


class Draft:
    """Reads one answer; `before` is what of it the prompt has already.

    Text may go out until a call may have begun; what is then `held` waits for the end. An answer
    that has to be a call, or JSON, is held from its start.
    """

    def __init__(self, request: Request, format: Format, before: str):
        self.held = ""
        self._request = request
        self._format = format
        self._tools = {tool.name: tool for tool in request.callable_tools}
        markers = ExpectedMarkers(format, calls=bool(self._tools), loose=True)
        self._triggers = tuple(f.trigger for f in (format, *format.variants))
        self._amid = markers.triggers
        self._watched = (*markers.between_sections, *markers.in_text)
        self._decoder = Decoder(format, list(self._tools.values()), whole=True)
        self._events: list[Event] = []
        self._is_shut = must_be(request) or any_of(self._amid).search(before) is not None
        self._is_text = not format.calls_exclude_text
        self._read(self._decoder.feed(before))

    def feed(self, text: str) -> str:
        """What may go out, now that there is `text` more."""
        self._read(self._decoder.feed(text))
        self.held += text
        if self._is_shut or not self._is_text:
            return ""
        if found := any_of(self._amid).search(self.held):
            self._is_shut = True
            safe = found.start()
        else:
            safe = len(self.held) - overlap(self.held, self._watched)
        # What a reader holds back is held here: white space may belong to a mark.
        free = self.held[:safe].rstrip()
        self.held = self.held[len(free) :]
        return free

    def fault(self, finish: str) -> str | None:
        """What is wrong with the answer, now that it has ended."""
        is_whole = finish == "stop"
        self._read(self._decoder.close(complete=is_whole))
        turn = collect(self._events)
        return next(self._faults(turn, is_whole), None)

    def _read(self, events: list[Event]) -> None:
        self._events += events
        # Where a turn is either text or calls, its first word decides.
        self._is_text = self._is_text or any(isinstance(e, Text) and e.text.strip() for e in events)

    def _faults(self, turn: Turn, is_whole: bool) -> Iterator[str]:
        choice = self._request.choice
        says_trigger = any_of(self._triggers).search(turn.text) is not None
        for note in self._decoder.notes:
            is_broken = note.kind is NoteKind.NOT_A_CALL and says_trigger
            if is_whole and (note.kind is NoteKind.TRUNCATED or is_broken):
                yield note.text
        yield from filter(None, map(self._breach, turn.calls))
        if len(turn.calls) > 1 and not (choice.parallel and not self._format.single_call):
            yield f"{len(turn.calls)} calls where one was asked for"
        if is_whole and choice.required and not turn.calls:
            yield "it calls no tool"
        if is_whole and self._request.answer is not None and not turn.calls:
            yield from self._misanswers(turn.text)

    def _breach(self, call: Call) -> str | None:
        try:
            broken = violation(self._tools[call.name].parameters, call.arguments)
        except UncheckedSchema:
            return None
        return f"the call of {call.name!r} violates its schema {broken}" if broken else None

    def _misanswers(self, text: str) -> Iterator[str]:
        try:
            if broken := violation(self._request.answer, parse_json(text)):
                yield f"it violates its schema {broken}"
        except UncheckedSchema:
            pass
        except (ValueError, RecursionError) as error:
            yield f"it is not JSON: {error}"


def must_be(request: Request) -> bool:
    """Whether an answer that is plain text will not do."""
    return request.choice.required or request.answer is not None
