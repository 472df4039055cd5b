"""The calls of a turn: what parts them, what closes them all, and what turns out to be none."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from gateway.chat.events import Event, Note, NoteKind, Text
from gateway.chat.messages import Tool
from gateway.formats.format import Format, Placeholder, literal, parts
from gateway.formats.markers import words
from gateway.parsing.call import CallReader
from gateway.parsing.cursor import Cursor, Malformed, Truncated

Steps = Generator[Event | None, None, None]
Speak = Callable[[str], Event]
T = TypeVar("T")


class CallsReader:
    """Reads the calls that begin here, in the spelling of `format` or of one of its `variants`.

    Text that is said to others than the user goes on up to one of the marks `in_prose`.
    """

    def __init__(
        self,
        cursor: Cursor,
        format: Format,
        tools: Sequence[Tool] | None,
        notes: list[Note],
        in_prose: tuple[str, ...],
        *,
        whole: bool,
        strict: bool,
    ):
        self._cursor = cursor
        self._format = format
        self._notes = notes
        self._in_prose = in_prose
        self._whole = whole
        self._strict = strict
        self._reader = CallReader(cursor, tools, notes, whole=whole, strict=strict)

    def read(self, trigger: str, speak: Speak) -> Generator[Event | None, None, str | None]:
        """Read the calls that `trigger` opens, and return their text.

        What is none is spoken by `speak`; if there are none at all, None is returned.
        """
        start, farthest, reason = self._cursor.bookmark(), len(trigger), ""
        try:
            for spellings in self._opened_by(trigger):
                try:
                    yield from self._calls_of(spellings, speak)
                    return self._cursor.since(start)
                except Truncated:
                    self._cut_off(start)
                    return self._cursor.since(start)
                except Malformed as error:
                    if self._strict:
                        raise
                    reason = reason or str(error)
                    if self._reader.is_open:
                        self._notes.append(Note(NoteKind.MALFORMED, f"a call went wrong: {error}"))
                        return self._cursor.since(start)
                    farthest = max(farthest, self._cursor.rewind(start))
            yield from self._no_call(trigger, farthest, reason, speak)
            return None
        finally:
            self._cursor.release()

    def _opened_by(self, trigger: str) -> list[list[Format]]:
        """The spellings of calls that `trigger` may open, those with the same marks together."""
        found: dict[tuple[str, ...], list[Format]] = {}
        for format in (self._format, *self._format.variants):
            if format.first_call.lstrip().startswith(trigger):
                found.setdefault(format.calls, []).append(format)
        return list(found.values())

    def _calls_of(self, spellings: list[Format], speak: Speak) -> Steps:
        """Read calls in one of `spellings`; raises Malformed if the first is none."""
        format = spellings[0]
        yield from self._cursor.skip_space()
        yield from self._cursor.expect(format.calls[0].lstrip())
        if not (yield from self._another(format, first=True)):
            self._notes.append(Note(NoteKind.DROPPED, "dropped a section that has no calls"))
            yield from self._cursor.expect(format.calls[2])
            return
        if self._whole and format.calls_exclude_text and format.calls[2]:
            # Until its end, a list may be text.
            calls: list[Event] = []
            yield from held(self._list(spellings), calls)
            yield from calls
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
            self._notes.append(Note(NoteKind.NOT_A_CALL, f"not read as a call: {error}"))
            yield from _spoken(self._cursor.since(start), speak)
        finally:
            self._cursor.release()

    def _repeated(self, format: Format) -> Steps:
        """Forgive a closing mark that is written twice."""
        for mark in words(format.calls[2] or literal(format.parts[-1:]))[-1:]:
            while not self._strict and (yield from self._cursor.starts_with(mark)):
                self._notes.append(Note(NoteKind.REPAIRED, f"dropped a second {mark!r}"))

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
            yield from held(self._cursor.until((head, close), Text), skipped)
            if said := "".join(event.text for event in skipped if isinstance(event, Text)).strip():
                self._notes.append(Note(NoteKind.REPAIRED, f"skipped {said!r} among the calls"))
        met = yield from self._cursor.comes((head, close))
        return met == head if not first else met != close

    def _no_call(self, trigger: str, farthest: int, reason: str, speak: Speak) -> Steps:
        """Give back what is none, or keep it in the notes if it is for others to read."""
        start = self._cursor.bookmark()
        self._cursor.take(farthest)
        if body := dict(self._format.other_recipients).get(trigger):
            yield from held(self._cursor.until(self._in_prose, Text), [])
        said = self._cursor.since(start)
        self._cursor.release()
        if body and body in said:
            self._notes.append(Note(NoteKind.UNADDRESSED, f"said to nobody who is here: {said!r}"))
        else:
            self._notes.append(Note(NoteKind.NOT_A_CALL, f"not read as a call: {reason}"))
            yield speak(said)

    def _cut_off(self, start: int) -> None:
        """Keep in the notes what would be half a call."""
        self._cursor.take_rest()
        cut = self._cursor.since(start)
        if cut.strip() and not self._reader.is_open:
            self._notes.append(Note(NoteKind.TRUNCATED, f"cut off: {cut!r}"))


def held(steps: Generator[Event | None, None, T], into: list[Event]) -> Generator[None, None, T]:
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
    if isinstance(first, Placeholder):
        return ""
    return re.match(r"<[^<>]*>|\{|.*", first).group()  # type: ignore[union-attr]
