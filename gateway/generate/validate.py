"""Validates an answer that no grammar enforces, and says how much of it may be streamed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gateway.chat.events import Event, NoteKind, Text, collect
from gateway.chat.json import parse_json
from gateway.chat.messages import Call, Turn
from gateway.chat.request import Request
from gateway.formats.format import Format
from gateway.formats.markers import any_of, overlap
from gateway.generate.custom_input import input_violation
from gateway.parsing.decoder import Decoder
from gateway.parsing.expected_markers import ExpectedMarkers
from gateway.schema.validate import violation
from gateway.schema.validation_limits import UncheckedSchema


class Draft:
    """One attempt at an answer; `answer_prefix` is what the prompt already contains of it.

    Text may be streamed until a call may have begun; from there on it is `withheld` until the end.
    An answer that must be a call or JSON is withheld from its start.
    """

    def __init__(self, request: Request, format: Format, answer_prefix: str):
        self.withheld = ""
        self._request = request
        self._format = format
        self._tools = {tool.name: tool for tool in request.callable_tools}
        markers = ExpectedMarkers(format, calls=bool(self._tools), loose=True)
        self._triggers = tuple(f.trigger for f in (format, *format.variants))
        self._call_markers = markers.triggers
        self._watched = (*markers.between_sections, *markers.in_text)
        self._decoder = Decoder(format, list(self._tools.values()), whole_calls=True)
        self._events: list[Event] = []
        has_call = any_of(self._call_markers).search(answer_prefix) is not None
        self._holds_rest = has_call or requires_form(request)
        self._has_text = not format.calls_exclude_text
        self._decode(self._decoder.feed(answer_prefix))

    def feed(self, text: str) -> str:
        """Returns what may be streamed, now that there is `text` more."""
        self._decode(self._decoder.feed(text))
        self.withheld += text
        if self._holds_rest or not self._has_text:
            return ""
        if found := any_of(self._call_markers).search(self.withheld):
            self._holds_rest = True
            safe = found.start()
        else:
            safe = len(self.withheld) - overlap(self.withheld, self._watched)
        # The decoder holds white space back, which may belong to a marker.
        sent = self.withheld[:safe].rstrip()
        self.withheld = self.withheld[len(sent) :]
        return sent

    def fault(self, finish: str) -> str | None:
        """Ends the answer; returns what is wrong with it, or None if it is valid."""
        is_complete = finish == "stop"
        self._decode(self._decoder.close(complete=is_complete))
        return next(self._faults(collect(self._events), is_complete), None)

    def _decode(self, events: list[Event]) -> None:
        self._events += events
        # In formats where a turn is either text or calls, the first word decides.
        has_text = any(isinstance(event, Text) and event.text.strip() for event in events)
        self._has_text = self._has_text or has_text

    def _faults(self, turn: Turn, is_complete: bool) -> Iterator[str]:
        choice = self._request.tool_choice
        has_trigger = any_of(self._triggers).search(turn.text) is not None
        for note in self._decoder.notes:
            is_call = note.kind in (NoteKind.NOT_A_CALL, NoteKind.UNKNOWN_TOOL)
            is_broken = is_call and has_trigger
            if is_complete and (note.kind is NoteKind.TRUNCATED or is_broken):
                yield note.text
        yield from filter(None, map(self._call_fault, turn.calls))
        if is_complete and choice.required and not turn.calls:
            yield "it has no tool call"
        if is_complete and self._request.response_schema is not None and not turn.calls:
            yield from self._response_faults(turn.text)

    def _call_fault(self, call: Call) -> str | None:
        if broken := input_violation(self._tools[call.name], call.arguments):
            return broken
        try:
            broken = violation(self._tools[call.name].parameters, call.arguments)
        except UncheckedSchema:
            return None
        return f"the call of {call.name!r} violates its schema {broken}" if broken else None

    def _response_faults(self, text: str) -> Iterator[str]:
        try:
            if broken := violation(self._request.response_schema, parse_json(text)):
                yield f"it violates its schema {broken}"
        except UncheckedSchema:
            pass
        except (ValueError, RecursionError) as error:
            yield f"it is not JSON: {error}"


def decoded_format(request: Request, format: Format) -> Format:
    """Returns `format` as it is decoded for `request`.

    JSON may contain a marker, so if JSON is requested, only an answer that starts with one is a
    call.
    """
    return format if request.response_schema is None else replace(format, calls_exclude_text=True)


def requires_form(request: Request) -> bool:
    """Whether an answer must be a tool call, or match a schema: free text is not allowed."""
    return request.tool_choice.required or request.response_schema is not None
