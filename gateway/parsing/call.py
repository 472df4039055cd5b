"""One call, read as its format declares it or, where it can be done safely, as it was meant."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial

from gateway.chat.events import CallArguments, CallEnd, CallStart, Event, Note, NoteKind
from gateway.chat.messages import Tool
from gateway.formats.format import (
    AsJson,
    Elements,
    Format,
    Literals,
    Part,
    Placeholder,
    Tagged,
    literal,
)
from gateway.formats.markers import core
from gateway.parsing.cursor import Cursor, Malformed, Pieces, joined
from gateway.parsing.elements import ElementsReader
from gateway.parsing.json_call import around, object_in, opened, parsed
from gateway.parsing.literals import LiteralsReader
from gateway.parsing.tagged import TaggedReader
from gateway.parsing.window import Bracketed

Steps = Generator[Event | None, None, None]


class CallReader:
    """Reads the call that comes next; raises Malformed if it is none, Truncated if it is cut off.

    With `whole`, a call's events come once all of it is read, and a call that is not as
    declared is read again, more freely. Otherwise `is_open` says that a call has begun to go out.
    """

    def __init__(
        self,
        cursor: Cursor,
        tools: Sequence[Tool] | None,
        notes: list[Note],
        *,
        whole: bool,
        strict: bool,
    ):
        self.is_open = False
        self._cursor = cursor
        self._tools = None if tools is None else {tool.name: tool for tool in tools}
        self._notes = notes
        self._whole = whole
        self._strict = strict
        self._loose = whole and not strict
        self._mending = False

    def call(self, spellings: Sequence[Format]) -> Steps:
        """Read a call as one of `spellings` declares it, the first that fits."""
        ways = [partial(self._declared, format) for format in spellings]
        if self._loose:
            ways += [partial(self._freely, format) for format in spellings]
        start, reasons = self._cursor.bookmark(), list[Malformed]()
        try:
            for way in ways:
                try:
                    if self._whole:
                        yield from (yield from _all(way()))
                    else:
                        yield from way()
                    return
                except Malformed as error:
                    reasons.append(error)
                    if self.is_open or way is ways[-1]:
                        raise reasons[0] from None
                    self._cursor.rewind(start)
        finally:
            self._cursor.release()

    # -- as declared

    def _declared(self, format: Format) -> Steps:
        parts = _parts(format)
        tool, id, index = Tool("", "", {}), "", ""
        yield from self._cursor.skip_space()
        for i, part in enumerate(parts):
            after = literal(parts[i + 1 : i + 2])
            match part:
                case Placeholder.NAME:
                    name = yield from self._cursor.name(after)
                    tool = self._tool(name)
                case Placeholder.ARGUMENTS:
                    yield from self._started(tool)
                    yield from self._arguments(format, tool, after)
                case Placeholder.ID:
                    id = yield from self._cursor.read_until(after)
                case Placeholder.INDEX:
                    index = yield from self._cursor.read_until(after)
                case Placeholder():
                    yield from self._cursor.read_until(after)
                case str():
                    needed = _needed(part) if i else 0
                    yield from self._cursor.expect(part, needed=needed)
        if Placeholder.ARGUMENTS not in parts:
            yield from self._started(tool)
            yield CallArguments("{}")
        if index.strip(' "').strip("0123456789"):
            self._notes.append(Note(NoteKind.REPAIRED, f"skipped {index!r} where a number was due"))
        yield CallEnd(id)
        self.is_open = False

    def _started(self, tool: Tool) -> Steps:
        yield CallStart(tool.name)
        self.is_open = not self._whole

    def _tool(self, name: str) -> Tool:
        if self._tools is None:
            return Tool(name, "", {})
        if name not in self._tools:
            raise Malformed(f"no tool {name!r} is on offer")
        return self._tools[name]

    def _arguments(self, format: Format, tool: Tool, after: str) -> Steps:
        match format.arguments:
            case AsJson():
                yield from self._json()
            case Tagged() as style:
                closes = tuple(filter(None, map(core, (*after.splitlines(), format.calls[2]))))
                tags = TaggedReader(
                    self._cursor,
                    style,
                    tool,
                    closes,
                    self._notes,
                    loose=self._loose,
                    mending=self._mending,
                )
                yield from tags.arguments()
            case Literals() as style:
                reader = LiteralsReader(style, strict=self._strict)
                yield from _as_arguments(self._cursor.converted(reader))
            case Elements() as style:
                elements = ElementsReader(style, tool.parameters, strict=self._strict)
                yield from _as_arguments(self._cursor.converted(elements))

    def _json(self) -> Steps:
        """Pass on one JSON object as it comes, and know where it ends."""
        if self._loose and (yield from self._cursor.peek()) == '"':
            encoded = yield from self._cursor.json_string()
            yield CallArguments(object_in(parsed(encoded)))
            self._notes.append(Note(NoteKind.REPAIRED, "read arguments that were encoded twice"))
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
        if (first := (yield from self._cursor.peek())) != "{":
            why = f"expected a JSON object, found {first!r}"
            raise Malformed(why) if first else self._cursor.cut_short(why)
        yield from self._cursor.converted(Bracketed())

    # -- as it was meant

    def _freely(self, format: Format) -> Steps:
        """Read a call that is not as declared, if there is a safe way to."""
        match format.arguments:
            case Tagged():
                self._mending = True
                try:
                    yield from self._declared(format)
                finally:
                    self._mending = False
            case AsJson() if envelope := around(format):
                yield from self._enveloped(*envelope, keyed='"$name":' in format.call)
                self._notes.append(
                    Note(NoteKind.REPAIRED, "read a call whose keys were not as expected")
                )
            case _:
                raise Malformed("it is not as declared")

    def _enveloped(self, before: str, after: str, *, keyed: bool) -> Steps:
        yield from self._cursor.expect(before)
        text = yield from joined(self._json_object())
        name, arguments = opened(text, keyed=keyed)
        tool = self._tool(name)
        if arguments is None and not tool.parameters.get("required"):
            arguments = {}
        yield CallStart(tool.name)
        yield CallArguments(object_in(arguments))
        yield from self._cursor.expect(after)
        yield CallEnd()


def _parts(format: Format) -> tuple[Part, ...]:
    first, *rest = format.parts
    return (first, *rest) if isinstance(first, Placeholder) else (first.lstrip(), *rest)


def _needed(mark: str) -> int:
    """How much of what closes a call has to be there: the brackets that it has opened."""
    return max(mark.rfind("}"), mark.rfind(")")) + 1


def _as_arguments(pieces: Pieces) -> Steps:
    for piece in pieces:
        yield None if piece is None else CallArguments(piece)


def _all(steps: Steps) -> Generator[None, None, list[Event]]:
    """All that `steps` yield, in one."""
    events: list[Event] = []
    for event in steps:
        if event is None:
            yield None
        else:
            events.append(event)
    return events
