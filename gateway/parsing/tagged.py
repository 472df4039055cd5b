"""Arguments that stand one by one between tags, read back as they stream."""

from __future__ import annotations

import json
from ast import literal_eval
from collections.abc import Generator

from gateway.chat.events import CallArguments, Event, Note, NoteKind
from gateway.chat.json import Object, parse_json
from gateway.chat.messages import Tool
from gateway.formats.format import Placeholder, Tagged, literal
from gateway.formats.markers import core
from gateway.parsing.cursor import Cursor, joined
from gateway.parsing.window import Bracketed
from gateway.schema.types import STRING, parameter, read_bare, types_of

Steps = Generator[Event | None, None, None]

NOT_STRING = ["number", "boolean", "object", "array", "null"]


class TaggedReader:
    """Reads the arguments of `tool`, up to one of the marks that `closes` a call.

    With `loose`, a value that the next argument follows has ended, and Python's spelling of a
    value is read; with `mending`, any mark that may follow a value ends it. Both are noted.
    """

    def __init__(
        self,
        cursor: Cursor,
        style: Tagged,
        tool: Tool,
        closes: tuple[str, ...],
        notes: list[Note],
        *,
        loose: bool,
        mending: bool,
    ):
        self._cursor = cursor
        self._style = style
        self._tool = tool
        self._notes = notes
        self._loose = loose
        self._mending = mending
        self._seen: set[str] = set()
        self._head = core(literal(style.parts[:1]))
        self._then = (self._head, *closes)

    def arguments(self) -> Steps:
        yield CallArguments("{")
        while (yield from self._cursor.comes(self._then)) == self._head:
            yield from self._cursor.expect(self._style.separator if self._seen else "")
            yield from self._argument()
        if self._cursor.is_cut_amid(self._then):
            raise self._cursor.cut_short("ends where an argument or the call's end is due")
        yield CallArguments("}")

    def _argument(self) -> Steps:
        schema: Object = {}
        gap = ", " if self._seen else ""
        parts = self._style.parts
        for i, part in enumerate(parts):
            after = literal(parts[i + 1 : i + 2])
            match part:
                case Placeholder.KEY:
                    key = self._style.unescaped((yield from self._cursor.read_until(after)))
                    self._seen.add(key)
                    schema = parameter(self._tool.parameters, key)
                    yield CallArguments(f"{gap}{json.dumps(key, ensure_ascii=False)}: ")
                case Placeholder.TYPE:
                    said = yield from self._cursor.read_until(after)
                    is_string = said == self._style.types["string"]
                    schema = {"type": "string"} if is_string else {"type": [*NOT_STRING]}
                case Placeholder.VALUE:
                    if not (yield from self._value(schema, after)):
                        self._notes.append(
                            Note(
                                NoteKind.REPAIRED,
                                f"read a value that {core(after)!r} does not close",
                            )
                        )
                        return
                case str():
                    yield from self._cursor.expect(part, then_bare=True)

    # -- values

    def _value(self, schema: Object, after: str) -> Generator[Event | None, None, bool]:
        """Read a value up to `after`; say whether that is what ended it."""
        if self._style.wrap:
            opened, closed = self._style.wrap
            if (yield from self._cursor.starts_with(opened)):
                yield from self._bare(schema, closed, (core(after),), ())
                yield from self._cursor.expect(closed)
                return True
        breaks = self._breaks()
        yield from self._bare(schema, after, self._then, breaks)
        return not breaks or bool((yield from self._cursor.comes((core(after),))))

    def _bare(
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
            bare = yield from joined(self._cursor.converted(Bracketed()))
            yield CallArguments(read_bare(self._as_json(bare), schema))
        else:
            bare = yield from joined(self._cursor.bare_until(after, then, breaks))
            bare = bare if "string" in types else self._as_json(bare)
            yield CallArguments(read_bare(bare, schema))

    def _breaks(self) -> tuple[str, ...]:
        """The marks that end a value without closing it."""
        if self._mending:
            return self._then
        if not self._loose:
            return ()
        listed = self._tool.parameters.get("properties")
        keys = [key for key in listed if key not in self._seen] if isinstance(listed, dict) else []
        opened, closed = literal(self._style.parts[:1]), core(literal(self._style.parts[2:3]))
        return tuple(opened + self._style.escaped(key) + closed for key in keys)

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


def _is_json(text: str) -> bool:
    try:
        parse_json(text)
    except (ValueError, RecursionError):
        return False
    return True


def _inside_quotes(piece: str) -> str:
    return json.dumps(piece, ensure_ascii=False)[1:-1]
