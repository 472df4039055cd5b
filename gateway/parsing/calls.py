"""Parses the calls of a turn, and finds out what is no call."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.chat.events import Event, Note, NoteKind, Text
from gateway.chat.messages import Tool
from gateway.formats.format import Format
from gateway.formats.markers import head, words
from gateway.formats.related import related_formats, without_section
from gateway.parsing.call import CallReader
from gateway.parsing.closers import closers_of, drop_second, expect_closers
from gateway.parsing.moves import Malformed, Steps, TextKind, Truncated, UnknownTool, collected
from gateway.parsing.scanner import Scanner


class CallsReader:
    """Parses calls as `format` or one of its variants declares them."""

    def __init__(
        self,
        scanner: Scanner,
        format: Format,
        tools: Sequence[Tool] | None,
        notes: list[Note],
        *,
        whole_calls: bool,
        strict: bool,
    ):
        self._scanner = scanner
        self._buffer = scanner.buffer
        self._format = format
        self._notes = notes
        self._whole_calls = whole_calls
        self._strict = strict
        self._may_repair = whole_calls and not strict
        self._reader = CallReader(scanner, tools, notes, whole_calls=whole_calls, strict=strict)

    def read(self, trigger: str, kind: TextKind) -> Steps[str | None]:
        """Parses the calls that `trigger` opens, and returns their text.

        Text that is no call is emitted as `kind`; if there is no call at all, returns None.
        """
        start, farthest = self._buffer.bookmark(), len(trigger)
        reason = Malformed()
        try:
            for variants in self._opened_by(trigger):
                try:
                    yield from self._calls(variants, kind)
                    if variants[0] in related_formats(self._format):
                        self._note(NoteKind.REPAIRED, "read a call in the form of another family")
                    return self._buffer.since(start)
                except Truncated:
                    self._note_truncated(start)
                    return self._buffer.since(start)
                except Malformed as error:
                    if self._strict:
                        raise
                    reason = reason if reason.args else error
                    if self._reader.is_open:
                        self._note(NoteKind.MALFORMED, f"malformed call: {error}")
                        return self._buffer.since(start)
                    farthest = max(farthest, self._buffer.rewind(start))
            self._note_refusal(reason)
            yield kind(self._buffer.take(farthest))
            return None
        finally:
            self._buffer.release()

    def is_for_tool(self, recipient: str) -> bool:
        """Whether a message to `recipient` is a call, of a tool that may not exist."""
        namespace = self._format.header.namespace if self._format.header else ""
        return recipient.startswith(namespace) or self._reader.knows(recipient)

    def _opened_by(self, trigger: str) -> list[list[Format]]:
        """The variants of the format whose calls `trigger` may open, grouped by `Format.calls`."""
        found: dict[tuple[str, ...], list[Format]] = {}
        bare = without_section(self._format) if self._may_repair else ()
        for format in (self._format, *self._format.variants, *bare):
            if format.header or format.first_call.lstrip().startswith(trigger):
                found.setdefault(format.calls, []).append(format)
        others = related_formats(self._format) if self._may_repair else ()
        related = ([one] for one in others if one.first_call.lstrip().startswith(trigger))
        return [*found.values(), *related]

    def _calls(self, variants: list[Format], kind: TextKind) -> Steps[None]:
        """Parses calls as one of `variants`; raises Malformed if the first is no call."""
        format = variants[0]
        yield from self._scanner.skip_space()
        yield from self._scanner.expect(format.calls[0].lstrip())
        if not (yield from self._has_first(format)):
            self._note(NoteKind.DROPPED, "dropped a section that has no calls")
            yield from self._scanner.expect(format.calls[2])
            return
        if self._whole_calls and format.calls_exclude_text and format.calls[2]:
            # A list that is never closed is text.
            events: list[Event] = []
            yield from collected(self._list(variants), events)
            yield from events
            return
        yield from self._reader.call(variants)
        start = self._buffer.bookmark()
        try:
            while (yield from self._has_next(format)):
                yield from self._reader.call(variants)
                self._buffer.release()
                start = self._buffer.bookmark()
            yield from self._close(format)
        except Truncated:
            self._note_truncated(start)
        except Malformed as error:
            if self._strict or self._reader.is_open:
                raise
            self._note_refusal(error)
            if text := self._buffer.since(start):
                yield kind(text)
        finally:
            self._buffer.release()

    def _list(self, variants: list[Format]) -> Steps[None]:
        """Parses calls up to the marker that closes them all."""
        yield from self._reader.call(variants)
        while (yield from self._has_next(variants[0])):
            yield from self._reader.call(variants)
        yield from self._close(variants[0])

    def _close(self, format: Format) -> Steps[None]:
        """Consumes the marker that closes the calls."""
        if self._strict:
            yield from self._scanner.expect(format.calls[2])
            return
        yield from self._drop_second(format)
        yield from expect_closers(self._scanner, format.calls[2], self._notes)
        yield from self._drop_second(format)

    def _drop_second(self, format: Format) -> Steps[None]:
        if not self._strict:
            yield from drop_second(self._scanner, closers_of(format), self._notes)

    def _has_first(self, format: Format) -> Steps[bool]:
        """Whether the calls have one: their closing marker does not come at once."""
        before, _, after = format.calls
        first, close = head(format.call), head(after)
        if not (before and first and close):
            return True
        start = self._buffer.bookmark()
        yield from self._skip_text(first, close)
        has_text = bool(self._buffer.since(start).strip())
        self._buffer.release()
        has_first = (yield from self._scanner.next_marker((first, close))) != close
        if has_text and not has_first:
            raise Malformed(f"expected {first!r} before {close!r}")
        return has_first

    def _has_next(self, format: Format) -> Steps[bool]:
        """Whether another call comes; consumes the separator before it."""
        yield from self._drop_second(format)
        before, between, after = format.calls
        if not (before or between.strip()):
            return False
        if between.strip():
            return (yield from self._separator(format))
        first, close = head(format.call), head(after)
        yield from self._skip_text(first, close)
        return (yield from self._scanner.next_marker((first, close))) == first

    def _separator(self, format: Format) -> Steps[bool]:
        """Consumes what separates two calls, if another follows; models separate them otherwise."""
        before, between, _ = (part.strip() for part in format.calls)
        if not self._may_repair:
            return (yield from self._scanner.accept(between))
        start, first = self._buffer.bookmark(), head(format.call)
        found = yield from self._scanner.next_marker((between, ",", ";"))
        yield from self._scanner.accept(found)
        yield from self._scanner.accept(before)
        comes = found if not first else (yield from self._scanner.next_marker((first,)))
        is_cut = self._scanner.is_at_end_of((first,)) and not self._buffer.is_complete
        if not comes and not is_cut:
            # A comma may come before what closes all calls, too.
            if not (yield from self._scanner.next_marker(tuple(words(format.calls[2])[:1]))):
                self._buffer.rewind(start)
        elif found != between:
            self._note(NoteKind.REPAIRED, f"read {found!r} between two calls")
        self._buffer.release()
        return bool(comes) or (bool(found) and is_cut)

    def _skip_text(self, first: str, close: str) -> Steps[None]:
        """Drops text before the next call, which begins with `first`, or before `close`."""
        if not self._may_repair or first == "{":
            return
        start, skipped = self._buffer.bookmark(), list[Event]()
        found = yield from collected(self._scanner.until((first, close), Text), skipped)
        text = "".join(event.text for event in skipped if isinstance(event, Text)).strip()
        if not found:
            self._buffer.rewind(start)
        elif text:
            self._note(NoteKind.REPAIRED, f"skipped {text!r} among the calls")
        self._buffer.release()

    def _note_truncated(self, start: int) -> None:
        """Keeps in the notes a call that was cut off, unless part of it was returned."""
        self._buffer.take_rest()
        text = self._buffer.since(start)
        if text.strip() and not self._reader.is_open:
            self._note(NoteKind.TRUNCATED, f"cut off: {text!r}")

    def _note_refusal(self, reason: Malformed) -> None:
        is_unknown = isinstance(reason, UnknownTool)
        kind = NoteKind.UNKNOWN_TOOL if is_unknown else NoteKind.NOT_A_CALL
        self._note(kind, f"not a call: {reason}")

    def _note(self, kind: NoteKind, text: str) -> None:
        self._notes.append(Note(kind, text))
