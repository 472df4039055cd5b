"""One call, read as its format declares it or, where it can be done safely, as it was meant."""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Generator, Sequence
from functools import partial

from gateway.turns import CallArguments, CallEnd, CallStart, Event, Json, Object, Tool, parse_json
from gateway.wire.cursor import Cursor, Malformed, core, joined
from gateway.wire.format import AsJson, Format, Hole, Literals, Nested, Part, Tagged
from gateway.wire.literals import LiteralsReader
from gateway.wire.nested import NestedReader
from gateway.wire.values import STRING, parameter, read_bare, types_of

Steps = Generator[Event | None, None, None]

NAMES = ("name", "tool_name", "function")
ARGUMENTS = ("arguments", "parameters")
HALF = re.compile("[\ud800-\udfff]")  # half a character, which can't be sent as it is
NOT_STRING = ["number", "boolean", "object", "array", "null"]


class CallReader:
    """Reads the call that comes next; raises Malformed if it is none, Truncated if it is cut off.

    With `whole`, a call's events come once all of it is read, and a call that is not as
    declared is read again, more freely. Otherwise `is_open` says that a call has begun to go out.
    """

    def __init__(
        self,
        cursor: Cursor,
        tools: Sequence[Tool] | None,
        notes: list[str],
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
        tool = Tool("", "", {})
        yield from self._cursor.skip_space()
        for i, part in enumerate(parts):
            after = literal(parts[i + 1 : i + 2])
            match part:
                case Hole.NAME:
                    name = yield from self._cursor.name(after)
                    tool = self._tool(name)
                case Hole.ARGUMENTS:
                    yield from self._started(tool)
                    yield from self._arguments(format, tool, after)
                case Hole():
                    yield from self._cursor.read_until(after)
                case str():
                    needed = _needed(part) if i else 0
                    yield from self._cursor.expect(part, needed=needed)
        if Hole.ARGUMENTS not in parts:
            yield from self._started(tool)
            yield CallArguments("{}")
        yield CallEnd()
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
                closes = tuple(map(core, (*after.splitlines(), format.calls[2])))
                closes = tuple(filter(None, closes))
                yield from self._all_tagged(style, tool, closes)
            case Literals() as style:
                reader = LiteralsReader(style, strict=self._strict)
                yield from _as_arguments(self._cursor.converted(reader))
            case Nested() as style:
                elements = NestedReader(style, tool.parameters, strict=self._strict)
                yield from _as_arguments(self._cursor.converted(elements))

    def _json(self) -> Steps:
        """Pass on one JSON object as it comes, and know where it ends."""
        if self._loose and (yield from self._cursor.peek()) == '"':
            encoded = yield from self._cursor.json_string()
            yield CallArguments(_object_in(_parsed(encoded)))
            self._notes.append("read arguments that were encoded twice")
            return
        pieces: list[str] = []
        for piece in self._cursor.json_object():
            if piece is None:
                yield None
            else:
                pieces.append(piece)
                yield CallArguments(piece)
        _parsed("".join(pieces))

    # -- arguments one by one

    def _all_tagged(self, style: Tagged, tool: Tool, closes: tuple[str, ...]) -> Steps:
        yield CallArguments("{")
        head, seen = core(literal(style.parts[:1])), set[str]()
        while (yield from self._cursor.comes((head, *closes))) == head:
            yield from self._cursor.expect(style.between if seen else "")
            yield from self._tagged(style, tool, (head, *closes), seen)
        yield CallArguments("}")

    def _tagged(self, style: Tagged, tool: Tool, then: tuple[str, ...], seen: set[str]) -> Steps:
        schema: Object = {}
        gap = ", " if seen else ""
        for i, part in enumerate(style.parts):
            after = literal(style.parts[i + 1 : i + 2])
            match part:
                case Hole.KEY:
                    key = style.unescaped((yield from self._cursor.read_until(after)))
                    seen.add(key)
                    schema = parameter(tool.parameters, key)
                    yield CallArguments(f"{gap}{json.dumps(key, ensure_ascii=False)}: ")
                case Hole.TYPE:
                    said = yield from self._cursor.read_until(after)
                    is_string = said == style.types["string"]
                    schema = {"type": "string"} if is_string else {"type": [*NOT_STRING]}
                case Hole.VALUE if style.wrap and (
                    yield from self._cursor.starts_with(style.wrap[0])
                ):
                    yield from self._value(schema, style.wrap[1], (core(after),), ())
                    yield from self._cursor.expect(style.wrap[1])
                case Hole.VALUE:
                    breaks = self._breaks(style, tool, then, seen)
                    yield from self._value(schema, after, then, breaks)
                    if breaks and not (yield from self._cursor.comes((core(after),))):
                        self._notes.append(f"read a value that {core(after)!r} does not close")
                        return
                case str():
                    yield from self._cursor.expect(part, then_bare=True)

    def _breaks(
        self, style: Tagged, tool: Tool, then: tuple[str, ...], seen: set[str]
    ) -> tuple[str, ...]:
        """The marks that end a value without closing it."""
        if self._mending:
            return then
        if not self._loose:
            return ()
        listed = tool.parameters.get("properties")
        keys = [key for key in listed if key not in seen] if isinstance(listed, dict) else []
        opened, closed = literal(style.parts[:1]), core(literal(style.parts[2:3]))
        return tuple(opened + style.escaped(key) + closed for key in keys)

    def _value(
        self, schema: Object, after: str, then: tuple[str, ...], breaks: tuple[str, ...]
    ) -> Steps:
        types = types_of(schema)
        if types == STRING:
            yield CallArguments('"')
            for piece in self._cursor.bare_until(after, then, breaks):
                yield None if piece is None else CallArguments(_inside_quotes(piece))
            yield CallArguments('"')
        elif "string" not in types and (yield from self._cursor.peek()) in ("{", "["):
            # In JSON the closing mark may stand inside a string.
            bare = yield from joined(self._cursor.bracketed())
            yield CallArguments(read_bare(self._as_json(bare), schema))
        else:
            bare = yield from joined(self._cursor.bare_until(after, then, breaks))
            bare = bare if "string" in types else self._as_json(bare)
            yield CallArguments(read_bare(bare, schema))

    def _as_json(self, bare: str) -> str:
        """The JSON of a value that was spelled as Python spells it, where that is forgiven."""
        if not self._loose or _is_json(bare):
            return bare
        try:
            value = literal_eval(bare.strip())
            known = isinstance(value, dict | list | bool | None)
            return json.dumps(value, ensure_ascii=False, allow_nan=False) if known else bare
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            return bare

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
            case AsJson() if envelope := _envelope(format):
                yield from self._enveloped(*envelope, keyed='"$name":' in format.call)
                self._notes.append("read a call whose keys were not as expected")
            case _:
                raise Malformed("it is not as declared")

    def _enveloped(self, before: str, after: str, *, keyed: bool) -> Steps:
        yield from self._cursor.expect(before)
        text = yield from joined(self._cursor.json_object())
        said = _parsed(text)
        assert isinstance(said, dict)
        name, arguments = next(iter(said.items()), ("", None)) if keyed else _named(said)
        tool = self._tool(name)
        if arguments is None and not tool.parameters.get("required"):
            arguments = {}
        yield CallStart(tool.name)
        yield CallArguments(_object_in(arguments))
        yield from self._cursor.expect(after)
        yield CallEnd()


def literal(parts: Sequence[Part]) -> str:
    """The text of the one part, if it is text."""
    return parts[0] if parts and not isinstance(parts[0], Hole) else ""


def _parts(format: Format) -> tuple[Part, ...]:
    first, *rest = format.parts
    return (first, *rest) if isinstance(first, Hole) else (first.lstrip(), *rest)


def _needed(mark: str) -> int:
    """How much of what closes a call has to be there: the brackets that it has opened."""
    return max(mark.rfind("}"), mark.rfind(")")) + 1


def _envelope(format: Format) -> tuple[str, str] | None:
    """What stands around the JSON object that is the whole of a call, if it is one."""
    start, end = format.call.find("{"), format.call.rfind("}") + 1
    if not 0 <= start < format.call.find("$name") < end:
        return None
    return format.call[:start], format.call[end:]


def _named(said: Object) -> tuple[str, Json]:
    """The name and the arguments in a JSON object, under any of the keys that models use."""
    if isinstance(inner := said.get("function"), dict):
        said = inner
    name = next((said[key] for key in NAMES if isinstance(said.get(key), str)), None)
    if not isinstance(name, str):
        raise Malformed("it has no name")
    return name, next((said[key] for key in ARGUMENTS if key in said), None)


def _object_in(said: Json) -> str:
    """The JSON of an object, or of one that was encoded as a string."""
    value = _parsed(said) if isinstance(said, str) else said
    if not isinstance(value, dict):
        raise Malformed("its arguments are not an object")
    text = json.dumps(value, ensure_ascii=False)
    return HALF.sub(lambda half: f"\\u{ord(half.group()):04x}", text)


def _parsed(text: str) -> Json:
    try:
        return parse_json(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"its arguments are not JSON: {error}") from error


def _is_json(text: str) -> bool:
    try:
        parse_json(text)
    except (ValueError, RecursionError):
        return False
    return True


def _as_arguments(pieces: Generator[str | None, None, None]) -> Steps:
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


def _inside_quotes(piece: str) -> str:
    return json.dumps(piece, ensure_ascii=False)[1:-1]
