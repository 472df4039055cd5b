"""Parses a turn while it is generated: text in, events out.

The events add up to the same turn however the text is split into pieces. The parser is a set of
coroutines over one `Buffer`: they yield None to ask for more text, and otherwise events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.chat.events import Event, Note, NoteKind, Reasoning, Text
from gateway.chat.messages import Tool
from gateway.formats.format import Format, Header
from gateway.parsing.buffer import Buffer
from gateway.parsing.calls import CallsReader
from gateway.parsing.expected_markers import ExpectedMarkers
from gateway.parsing.headers import HeaderReader
from gateway.parsing.moves import Move, Steps, TextKind, collected
from gateway.parsing.scanner import Scanner
from gateway.parsing.stray_end import StrayEnd

MAX_AHEAD = 4096  # characters


class Decoder:
    """Parses one turn of `format` that may call `tools`; None allows any tool name.

    By default the events of a call are returned as they arrive, which is right for text that a
    grammar constrains. With `whole_calls`, they are returned once the call is complete and valid,
    and small errors are repaired; a call that stays invalid is returned as text, so that nothing
    is lost. With `strict`, feed and close raise `Malformed` instead.

    `notes` reports what was repaired, and keeps what is neither text nor a call: a call that was
    cut off, a message to a recipient that does not exist. `is_thinking` says whether the text that
    comes next is reasoning.
    """

    def __init__(
        self,
        format: Format,
        tools: Sequence[Tool] | None = (),
        *,
        whole_calls: bool = False,
        strict: bool = False,
    ):
        self.notes: list[Note] = []
        self.is_thinking = False
        self._format = format
        self._whole_calls = whole_calls
        self._strict = strict
        self._buffer = Buffer()
        self._scanner = Scanner(self._buffer, strict=strict)
        self._markers = ExpectedMarkers(
            format, calls=tools is None or bool(tools), loose=whole_calls
        )
        self._calls_reader = CallsReader(
            self._scanner,
            format,
            tools,
            self.notes,
            whole_calls=whole_calls,
            strict=strict,
        )
        self._stray_end = StrayEnd(format, self.notes)
        self._steps = self._turn()
        self._has_text = False  # events of text were returned
        self._is_after_text = self._is_after_call = self._is_not_a_call = False
        self._space_around_calls = ""

    def feed(self, text: str) -> list[Event]:
        """Returns the events that `text` completes."""
        events: list[Event] = []
        # A move may copy the text ahead, so there is never much of it.
        for start in range(0, len(text), MAX_AHEAD):
            self._buffer.add(text[start : start + MAX_AHEAD])
            events += self._run()
        return events

    def close(self, *, complete: bool = True) -> list[Event]:
        """Returns the remaining events; no more text will come.

        `complete` means that the model ended the turn itself. If it was cut off instead, a call
        whose events were returned in part stays open: there is no `CallEnd`.
        """
        self._buffer.close(complete=complete)
        return [*self._run(), *self._stray_end.close(complete=complete)]

    def _run(self) -> list[Event]:
        events: list[Event] = []
        for event in self._steps:
            if event is None:
                break
            events += [event] if self._strict else self._stray_end.filter(event)
            self._has_text = self._has_text or isinstance(event, Text)
        return events

    # -- a turn

    def _turn(self) -> Steps[None]:
        markers = self._markers
        while not (yield from self._scanner.at_end()):
            expected = markers.between_sections if self._has_text else markers.at_start
            marker = yield from self._scanner.next_marker(expected)
            if self._is_not_a_call:
                self._is_not_a_call = False
                yield from self._scanner.until(markers.in_text, Text)
            elif marker in markers.sections:
                yield from self._scanner.accept(marker)
                yield from self._section(*markers.sections[marker])
            elif marker in markers.stray:
                yield from self._scanner.accept(marker)
                if marker not in (markers.section_separator, markers.turn_end):
                    text = f"dropped {marker!r}, which closes nothing"
                    self.notes.append(Note(NoteKind.DROPPED, text))
            elif marker and self._format.header:
                yield from self._message(self._format.header, marker)
            elif marker:
                yield from self._calls(marker, Text)
            else:
                yield from self._text()

    def _text(self) -> Steps[None]:
        """Parses text; white space around calls is kept only if it separates two texts."""
        if self._is_after_call:
            space = yield from self._scanner.skip_space()
            self._space_around_calls += space if self._is_after_text else ""
            tag = "" if not self._whole_calls else (yield from self._scanner.closing_tag())
            if tag:
                self.notes.append(Note(NoteKind.DROPPED, f"dropped {tag!r}, which closes nothing"))
            if space or tag:
                return
        if self._space_around_calls:
            yield Text(self._space_around_calls)
            self._space_around_calls = ""
        self._is_after_text = True
        yield from self._scanner.until(self._markers.in_text, Text)

    def _message(self, header: Header, opening: str) -> Steps[None]:
        """Parses a message whose header is not that of a section: a call, or text to anybody."""
        start = self._buffer.bookmark()
        address = yield from HeaderReader(self._scanner, header).read()
        if address is None or self._calls_reader.is_for_tool(address.recipient):
            self._buffer.rewind(start)
            yield from self._calls(opening, Text)
        elif address.recipient.partition(".")[0] in header.own_tools:
            yield from collected(self._scanner.until(self._markers.in_text, Text), [])
            text = f"message to an unknown recipient: {self._buffer.since(start)!r}"
            self.notes.append(Note(NoteKind.UNADDRESSED, text))
        else:
            self.notes.append(address.note)
            channel = address.channel if address.recipient in ("", "assistant") else ""
            yield from self._section(*self._markers.of_channel(channel))
        self._buffer.release()

    def _section(self, close: str, kind: TextKind) -> Steps[None]:
        """Parses text up to the marker `close`, with the calls that begin in it."""
        self.is_thinking = kind is Reasoning
        if self.is_thinking:
            yield from self._scanner.skip_space()
            while opening := (yield from self._scanner.next_marker(self._markers.thoughts)):
                yield from self._scanner.accept(opening)
                yield from self._scanner.skip_space()
                self.notes.append(Note(NoteKind.DROPPED, f"dropped a second {opening!r}"))
        yield from self._section_text(close, kind)
        self.is_thinking = False

    def _section_text(self, close: str, kind: TextKind) -> Steps[None]:
        markers, triggers = self._markers.inside(close, kind), self._markers.triggers
        thought: _Thought | None = None
        while (marker := (yield from self._scanner.until(markers, kind))) in triggers:
            if self._whole_calls and kind is Reasoning and not thought:
                thought = yield from self._thought_ahead(close, marker)
                if thought.length:
                    yield Reasoning(self._buffer.take(thought.length))
                    continue
            is_call = yield from self._calls(marker, kind)
            if is_call and thought and not thought.is_closed:
                return
        if marker == close:
            yield from self._scanner.accept(close)
            self.is_thinking = False
            yield from self._scanner.skip_space() if kind is Reasoning else ()

    def _thought_ahead(self, close: str, trigger: str) -> Move[_Thought]:
        """Looks for the end of the reasoning around the calls that `trigger` opens."""
        start, noted = self._buffer.bookmark(), len(self.notes)
        while trigger in self._markers.triggers:
            yield from collected(self._calls_reader.read(trigger, Reasoning), [])
            markers = (close, *self._markers.triggers)
            trigger = yield from collected(self._scanner.until(markers, Reasoning), [])
        text = self._buffer.since(start)
        if is_closed := (yield from self._scanner.accept(close)):
            yield from self._scanner.accept(self._markers.turn_end)
            yield from self._scanner.skip_space()
        is_last = (yield from self._scanner.at_end()) and self._buffer.is_complete
        self._buffer.rewind(start)
        self._buffer.release()
        del self.notes[noted:]
        return _Thought(is_closed, 0 if is_last or not is_closed else len(text))

    def _calls(self, trigger: str, kind: TextKind) -> Steps[bool]:
        """Parses the calls that `trigger` opens, if any; text that is no call is emitted."""
        calls = yield from self._calls_reader.read(trigger, kind)
        if calls is None:
            self._is_not_a_call = kind is Text
            return False
        self._is_after_call = True
        if self._is_after_text:
            self._space_around_calls += calls[: len(calls) - len(calls.lstrip())]
        return True


@dataclass(frozen=True, slots=True)
class _Thought:
    """The rest of a thought in which calls were found.

    The calls in its first `length` characters do not count: text follows the thought.
    """

    is_closed: bool
    length: int
