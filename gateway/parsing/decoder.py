"""The second reading of a format: read a turn back as it streams.

Text goes in, events come out, and they add up to the same turn however the text is cut. The
grammar of a turn is written as coroutines over a `Cursor`: `yield None` asks for more text, any
other yield is an event.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.chat.events import Event, Note, NoteKind, Reasoning, Text
from gateway.chat.messages import Tool
from gateway.formats.format import Format
from gateway.parsing.calls import CallsReader, Speak, Steps, held
from gateway.parsing.cursor import Cursor
from gateway.parsing.expected_markers import Marks

MOST_AHEAD = 4096  # characters


class Decoder:
    """Reads one turn of `format`, in which only `tools` can be called; None stands for any.

    A call's events go out as they come, which is right where a grammar holds the model. With
    `whole`, they wait until the call is complete and valid, and what can be read safely is
    forgiven; a call that never gets there comes back as text, so nothing is lost. `strict`
    raises `Malformed` instead. `notes` says what was forgiven, and holds what is neither text
    nor a call: a call that was cut off, words to a tool that is not there. `is_thinking` says
    what the text that comes next belongs to.
    """

    def __init__(
        self,
        format: Format,
        tools: Sequence[Tool] | None = (),
        *,
        whole: bool = False,
        strict: bool = False,
    ):
        self.notes: list[Note] = []
        self.is_thinking = False
        self._whole = whole
        self._cursor = Cursor(strict)
        self._marks = Marks(format, calls=tools is None or bool(tools), loose=whole)
        self._calls_reader = CallsReader(
            self._cursor,
            format,
            tools,
            self.notes,
            self._marks.in_prose,
            whole=whole,
            strict=strict,
        )
        self._steps = self._turn()
        self._begun = self._spoken = self._called = self._misread = False
        self._around = ""

    def feed(self, text: str) -> list[Event]:
        """The events that `text` completes."""
        events: list[Event] = []
        # A move may copy the text ahead, so there is never much of it.
        for start in range(0, len(text), MOST_AHEAD):
            self._cursor.add(text[start : start + MOST_AHEAD])
            events += self._run()
        return events

    def close(self, *, complete: bool = True) -> list[Event]:
        """The events held back, now that no more text can come.

        `complete` says that the model ended the turn itself. If it was cut off, a call that
        is open stays open: it gets no `CallEnd`.
        """
        self._cursor.close(complete)
        return self._run()

    def _run(self) -> list[Event]:
        events: list[Event] = []
        for event in self._steps:
            if event is None:
                break
            events.append(event)
            self._begun = self._begun or isinstance(event, Text)
        return events

    # -- a turn

    def _turn(self) -> Steps:
        marks = self._marks
        while not (yield from self._cursor.at_end()):
            met = yield from self._cursor.comes(marks.between if self._begun else marks.at_start)
            if self._misread:
                self._misread = False
                yield from self._cursor.until(marks.in_prose, Text)
            elif met in marks.sections:
                yield from self._cursor.starts_with(met)
                yield from self._section(*marks.sections[met])
            elif met in marks.strays:
                yield from self._cursor.starts_with(met)
                if met not in (marks.joint, marks.end):
                    self.notes.append(
                        Note(NoteKind.DROPPED, f"dropped {met!r}, which closes nothing")
                    )
            elif met:
                yield from self._calls(met, Text)
            else:
                yield from self._prose()

    def _prose(self) -> Steps:
        """Read text; the white space around calls stands where it parts two texts."""
        if self._called:
            space = yield from self._cursor.skip_space()
            self._around += space if self._spoken else ""
            if space:
                return
        if self._around:
            yield Text(self._around)
            self._around = ""
        self._spoken = True
        yield from self._cursor.until(self._marks.in_prose, Text)

    def _section(self, close: str, speak: Speak) -> Steps:
        """Read what stands between two marks, and what calls are opened there."""
        self.is_thinking = speak is Reasoning
        if self.is_thinking:
            yield from self._cursor.skip_space()
        marks = self._marks.inside(close, speak)
        while (met := (yield from self._cursor.until(marks, speak))) in self._marks.triggers:
            if self._whole and speak is Reasoning:
                yield from self._calls_in_thought(close, met)
            else:
                yield from self._calls(met, speak)
        self.is_thinking = False
        if met == close:
            yield from self._cursor.starts_with(close)
            yield from self._cursor.skip_space() if speak is Reasoning else ()

    def _calls_in_thought(self, close: str, trigger: str) -> Steps:
        """Read calls that are calls only if the thought is never closed."""
        start, marks = self._cursor.bookmark(), (close, *self._marks.triggers)
        called: list[Event] = []
        while trigger in self._marks.triggers:
            yield from held(self._calls(trigger, Reasoning), called)
            trigger = yield from held(self._cursor.until(marks, Reasoning), called)
        if trigger == close:
            yield Reasoning(self._cursor.since(start))
        else:
            yield from called
        self._cursor.release()

    def _calls(self, trigger: str, speak: Speak) -> Steps:
        """Read the calls that `trigger` opens; `speak` says what to do with what is none."""
        passed = yield from self._calls_reader.read(trigger, speak)
        if passed is None:
            self._misread = speak is Text
            return
        self._called = True
        if self._spoken:
            self._around += passed[: len(passed) - len(passed.lstrip())]
