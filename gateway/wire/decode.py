"""The second reading of a format: read a turn back as it streams.

Text goes in, events come out, and they add up to the same turn however the text is cut. The
grammar of a turn is written as coroutines over a `Cursor`: `yield None` asks for more text, any
other yield is an event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from gateway.turns import Event, Reasoning, Text, Tool
from gateway.wire.call import CallReader
from gateway.wire.cursor import Cursor, Malformed, Truncated, words
from gateway.wire.format import Format, Hole, literal, parts
from gateway.wire.marks import Marks

Steps = Generator[Event | None, None, None]
Speak = Callable[[str], Event]

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
        self.notes: list[str] = []
        self.is_thinking = False
        self._format = format
        self._whole = whole
        self._strict = strict
        self._cursor = Cursor(strict)
        self._reader = CallReader(self._cursor, tools, self.notes, whole=whole, strict=strict)
        self._marks = Marks(format, calls=tools is None or bool(tools), loose=whole)
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
                if met != marks.joint:
                    self.notes.append(f"dropped {met!r}, which closes nothing")
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
        held: list[Event] = []
        while trigger in self._marks.triggers:
            yield from _held(self._calls(trigger, Reasoning), held)
            trigger = yield from _held(self._cursor.until(marks, Reasoning), held)
        if trigger == close:
            yield Reasoning(self._cursor.since(start))
        else:
            yield from held
        self._cursor.release()

    # -- calls

    def _calls(self, trigger: str, speak: Speak) -> Steps:
        """Read the calls that `trigger` opens; `speak` says what to do with what is none."""
        start, farthest, reason = self._cursor.bookmark(), len(trigger), ""
        for spellings in self._opened_by(trigger):
            try:
                yield from self._calls_of(spellings, speak)
                break
            except Truncated:
                self._cut_off(start)
                break
            except Malformed as error:
                if self._strict:
                    raise
                reason = reason or str(error)
                if self._reader.is_open:
                    self.notes.append(f"a call went wrong: {error}")
                    break
                farthest = max(farthest, self._cursor.rewind(start))
        else:
            yield from self._no_call(trigger, farthest, reason, speak)
            self._cursor.release()
            return
        self._called = True
        passed = self._cursor.since(start)
        if self._spoken:
            self._around += passed[: len(passed) - len(passed.lstrip())]
        self._cursor.release()

    def _opened_by(self, trigger: str) -> list[list[Format]]:
        """The spellings of calls that `trigger` may open, those with the same marks together."""
        found: dict[tuple[str, ...], list[Format]] = {}
        for format in (self._format, *self._format.also):
            if format.opened.lstrip().startswith(trigger):
                found.setdefault(format.calls, []).append(format)
        return list(found.values())

    def _calls_of(self, spellings: list[Format], speak: Speak) -> Steps:
        """Read calls in one of `spellings`; raises Malformed if the first is none."""
        format = spellings[0]
        yield from self._cursor.skip_space()
        yield from self._cursor.expect(format.calls[0].lstrip())
        if not (yield from self._another(format, first=True)):
            self.notes.append("dropped a section that has no calls")
            yield from self._cursor.expect(format.calls[2])
            return
        if self._whole and not format.prose and format.calls[2]:
            # Until its end, a list may be text.
            held: list[Event] = []
            yield from _held(self._list(spellings), held)
            yield from held
            return
        yield from self._reader.call(spellings)
        start = self._cursor.bookmark()
        try:
            while (yield from self._another(format)):
                yield from self._reader.call(spellings)
                self._cursor.release()
                start = self._cursor.bookmark()
            yield from self._cursor.expect(format.calls[2])
            yield from self._repeated(format)
        except Truncated:
            self._cut_off(start)
        except Malformed as error:
            if self._strict or self._reader.is_open:
                raise
            self.notes.append(f"not read as a call: {error}")
            yield from _spoken(self._cursor.since(start), speak)
        finally:
            self._cursor.release()

    def _repeated(self, format: Format) -> Steps:
        """Forgive a closing mark that is written twice."""
        for mark in words(format.calls[2] or literal(format.parts[-1:]))[-1:]:
            while not self._strict and (yield from self._cursor.starts_with(mark)):
                self.notes.append(f"dropped a second {mark!r}")

    def _list(self, spellings: list[Format]) -> Steps:
        """Read calls up to the mark that closes them all."""
        yield from self._reader.call(spellings)
        while (yield from self._another(spellings[0])):
            yield from self._reader.call(spellings)
        yield from self._cursor.expect(spellings[0].calls[2])
        yield from self._repeated(spellings[0])

    def _another(self, format: Format, first: bool = False) -> Generator[Event | None, None, bool]:
        """Say whether one more call comes, its separator passed."""
        opened, between, closed = format.calls
        head, close = _head(format.call), _head(closed)
        if first and not (opened and head and close):
            return True
        if not (first or opened or between.strip()):
            return False
        if between.strip() and not first:
            comes = yield from self._cursor.starts_with(between.strip())
            yield from self._cursor.skip_space() if comes else ()
            return comes
        if self._whole and not self._strict and head != "{":
            skipped: list[Event] = []
            yield from _held(self._cursor.until((head, close), Text), skipped)
            if said := "".join(event.text for event in skipped if isinstance(event, Text)).strip():
                self.notes.append(f"skipped {said!r} among the calls")
        met = yield from self._cursor.comes((head, close))
        return met == head if not first else met != close

    def _no_call(self, trigger: str, farthest: int, reason: str, speak: Speak) -> Steps:
        """Give back what is none, or keep it in the notes if it is for others to read."""
        start = self._cursor.bookmark()
        self._cursor.take(farthest)
        if body := dict(self._format.asides).get(trigger):
            held: list[Event] = []
            yield from _held(self._cursor.until(self._marks.in_prose, Text), held)
        said = self._cursor.since(start)
        self._cursor.release()
        if body and body in said:
            self.notes.append(f"said to nobody who is here: {said!r}")
        else:
            self.notes.append(f"not read as a call: {reason}")
            self._misread = speak is Text
            yield speak(said)

    def _cut_off(self, start: int) -> None:
        """Keep in the notes what would be half a call."""
        self._cursor.take_rest()
        cut = self._cursor.since(start)
        if cut.strip() and not self._reader.is_open:
            self.notes.append(f"cut off: {cut!r}")


T = TypeVar("T")


def _held(steps: Generator[Event | None, None, T], into: list[Event]) -> Generator[None, None, T]:
    """Take `steps`, but keep what they yield."""
    while True:
        try:
            event = next(steps)
        except StopIteration as stop:
            value: T = stop.value
            return value
        if event is None:
            yield None
        else:
            into.append(event)


def _spoken(text: str, speak: Speak) -> Steps:
    if text:
        yield speak(text)


def _head(mark: str) -> str:
    """What `mark` begins with: a tag, the brace of a JSON object, or a line up to a hole."""
    first = next(iter(parts(mark.strip())), "")
    if isinstance(first, Hole):
        return ""
    return re.match(r"<[^<>]*>|\{|.*", first).group()  # type: ignore[union-attr]
