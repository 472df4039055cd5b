"""Parses one call, as its format declares it or, where that is safe, with its errors repaired."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from gateway.chat.events import CallArguments, CallEnd, CallStart, Event, Note, NoteKind
from gateway.chat.messages import Tool
from gateway.formats.format import (
    AsJson,
    Elements,
    Format,
    Header,
    Literals,
    Part,
    Placeholder,
    Tagged,
    literal,
)
from gateway.formats.markers import core, head
from gateway.parsing.arguments.elements import ElementsReader
from gateway.parsing.arguments.literals import LiteralsReader
from gateway.parsing.arguments.tagged import TaggedReader
from gateway.parsing.closers import drop_second, expect_closers, followers_of
from gateway.parsing.exact_scanner import ExactScanner
from gateway.parsing.headers import HeaderReader
from gateway.parsing.json_call import arguments_text, around, name_and_arguments, parsed
from gateway.parsing.moves import Malformed, Pieces, Steps, UnknownTool, collected, joined
from gateway.parsing.scanner import Scanner

Attempt: TypeAlias = Callable[[], Steps[None]]


class CallReader:
    """Parses the call that comes next; raises Malformed if it is none, Truncated if it is cut off.

    With `whole_calls`, the events of a call are yielded once all of it is read, and a call that
    is not as declared is tried again with repairs. Without, `is_open` says that a call has been
    yielded in part.
    """

    def __init__(
        self,
        scanner: Scanner,
        tools: Sequence[Tool] | None,
        notes: list[Note],
        *,
        whole_calls: bool,
        strict: bool,
    ):
        self.is_open = False
        self._scanner = scanner
        self._buffer = scanner.buffer
        self._exact = ExactScanner(scanner.buffer, strict=strict)
        self._tools = None if tools is None else {tool.name: tool for tool in tools}
        self._notes = notes
        self._whole_calls = whole_calls
        self._may_repair = whole_calls and not strict

    def knows(self, name: str) -> bool:
        """Whether there is a tool with this name."""
        return self._tools is not None and name in self._tools

    def call(self, variants: Sequence[Format]) -> Steps[None]:
        """Parses a call as the first of `variants` that fits."""
        attempts: list[Attempt] = [partial(self._declared, format) for format in variants]
        if self._may_repair:
            attempts += [repair for format in variants for repair in self._repairs(format)]
        start, noted, reasons = self._buffer.bookmark(), len(self._notes), list[Malformed]()
        try:
            for attempt in attempts:
                try:
                    if self._whole_calls:
                        events: list[Event] = []
                        yield from collected(attempt(), events)
                        yield from events
                    else:
                        yield from attempt()
                    return
                except Malformed as error:
                    reasons.append(error)
                    if self.is_open or attempt is attempts[-1]:
                        raise reasons[0] from None
                    self._buffer.rewind(start)
                    del self._notes[noted:]
        finally:
            self._buffer.release()

    # -- as declared

    def _declared(
        self, format: Format, *, is_repair: bool = False, ends_at_any_marker: bool = False
    ) -> Steps[None]:
        """Parses a call as it is declared; in a repair, the markers that close it may differ."""
        parts = _without_leading_space(format.parts)
        tool, id, index, ends = Tool("", "", {}), "", "", False
        yield from self._scanner.skip_space()
        for i, part in enumerate(parts):
            after = literal(parts[i + 1 : i + 2])
            match part:
                case Placeholder.NAME:
                    name = yield from self._scanner.name(after)
                    tool = self._tool(name)
                case Placeholder.ARGUMENTS:
                    yield from self._start(tool)
                    ends = yield from self._arguments(format, tool, after, ends_at_any_marker)
                case Placeholder.ID:
                    id = yield from self._scanner.text_until(after)
                case Placeholder.INDEX:
                    index = yield from self._scanner.text_until(after)
                case Placeholder():
                    yield from self._scanner.text_until(after)
                case str() if is_repair and i and parts[i - 1] is Placeholder.ARGUMENTS:
                    then = () if ends else followers_of(format)
                    yield from expect_closers(self._scanner, part, self._notes, then=then)
                case str():
                    needed = _closing_brackets(part) if i else 0
                    yield from self._scanner.expect(part, needed=needed)
        if Placeholder.ARGUMENTS not in parts:
            yield from self._start(tool)
            yield CallArguments("{}")
        if index.strip(' "').strip("0123456789"):
            self._note_repair(f"skipped {index!r} in place of a number")
        yield CallEnd(id)
        self.is_open = False

    def _start(self, tool: Tool) -> Steps[None]:
        yield CallStart(tool.name)
        self.is_open = not self._whole_calls

    def _tool(self, name: str) -> Tool:
        if self._tools is None:
            return Tool(name, "", {})
        if name in self._tools:
            return self._tools[name]
        for separator in _NAMESPACE.finditer(name) if self._may_repair else ():
            if tool := self._tools.get(name[separator.end() :]):
                self._note_repair(f"read {name!r} as {tool.name!r}")
                return tool
        raise UnknownTool(f"no tool {name!r} in this request")

    def _arguments(
        self, format: Format, tool: Tool, after: str, ends_at_any_marker: bool
    ) -> Steps[bool]:
        """Parses the arguments; says whether their end is certain without what closes the call."""
        match format.arguments:
            case AsJson():
                yield from self._json()
                return True
            case Tagged() as style:
                closes = tuple(filter(None, map(core, (*after.splitlines(), format.calls[2]))))
                closes += followers_of(format) if self._may_repair else ()
                reader = TaggedReader(
                    self._scanner,
                    self._exact,
                    style,
                    tool,
                    closes,
                    self._notes,
                    may_repair=self._may_repair,
                    ends_at_any_marker=ends_at_any_marker,
                )
                return (yield from reader.arguments())
            case Literals() as style:
                yield from self._exact_arguments(LiteralsReader(self._exact, style).arguments())
            case Elements() as style:
                elements = ElementsReader(
                    self._exact, style, tool.parameters, next_call=head(format.call)
                )
                yield from self._exact_arguments(elements.arguments())
        return False

    def _exact_arguments(self, pieces: Pieces) -> Steps[None]:
        for piece in self._exact.arguments(pieces):
            yield None if piece is None else CallArguments(piece)

    def _json(self) -> Steps[None]:
        """Parses one JSON object; its text is yielded as it arrives."""
        if self._may_repair and (yield from self._buffer.peek()) == '"':
            encoded = yield from self._scanner.json_string()
            yield CallArguments(arguments_text(parsed(encoded)))
            self._note_repair("read arguments that were JSON inside a JSON string")
            return
        pieces: list[str] = []
        for piece in self._json_object():
            if piece is None:
                yield None
            else:
                pieces.append(piece)
                yield CallArguments(piece)
        parsed("".join(pieces))

    def _json_object(self) -> Pieces:
        if self._may_repair:
            yield from self._scanner.skip_space()
        if (first := (yield from self._buffer.peek())) != "{":
            why = f"expected a JSON object, found {first!r}"
            raise Malformed(why) if first else self._buffer.cut_short(why)
        yield from self._exact.arguments(self._exact.json_container())

    # -- with repairs

    def _repairs(self, format: Format) -> Iterator[Attempt]:
        """The ways to parse a call that is not as declared, the safest first."""
        if format.header:
            yield partial(self._addressed, format.header)
        if isinstance(format.arguments, AsJson) and (markers := around(format)):
            yield partial(self._any_json_call, *markers, is_keyed='"$name":' in format.call)
        yield partial(self._declared, format, is_repair=True)
        if isinstance(format.arguments, Tagged):
            yield partial(self._declared, format, is_repair=True, ends_at_any_marker=True)

    def _addressed(self, header: Header) -> Steps[None]:
        """Parses a call whose header is not as declared."""
        address = yield from HeaderReader(self._scanner, header).read()
        if address is None or not address.recipient:
            raise self._buffer.cut_short("its header names no tool")
        yield from self._start(self._tool(address.recipient.removeprefix(header.namespace)))
        yield from self._json()
        yield CallEnd()
        self._notes.append(address.note)

    def _any_json_call(self, before: str, after: str, *, is_keyed: bool) -> Steps[None]:
        yield from self._scanner.expect(before)
        text = yield from joined(self._json_object())
        name, arguments = name_and_arguments(text, is_keyed=is_keyed)
        tool = self._tool(name)
        if arguments is None and not tool.parameters.get("required"):
            arguments = {}
        yield CallStart(tool.name)
        yield CallArguments(arguments_text(arguments))
        yield from drop_second(self._scanner, ("}",), self._notes)
        yield from expect_closers(self._scanner, after, self._notes)
        yield CallEnd()
        self._note_repair("read a call that had other keys than expected")

    def _note_repair(self, text: str) -> None:
        self._notes.append(Note(NoteKind.REPAIRED, text))


_NAMESPACE = re.compile(r"[.:/]")  # precedes the name of a tool, in `functions.f`


def _without_leading_space(parts: Sequence[Part]) -> tuple[Part, ...]:
    first, *rest = parts
    return (first, *rest) if isinstance(first, Placeholder) else (first.lstrip(), *rest)


def _closing_brackets(marker: str) -> int:
    """How much of `marker` closes brackets that the call has opened; so much has to be there."""
    return max(marker.rfind("}"), marker.rfind(")")) + 1
