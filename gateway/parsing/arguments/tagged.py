"""Parses arguments that are each enclosed in tags of their own."""

from __future__ import annotations

import json
from ast import literal_eval

from gateway.chat.events import CallArguments, Note, NoteKind
from gateway.chat.json import Object, parse_json
from gateway.chat.messages import Tool
from gateway.formats.format import Placeholder, Tagged, literal
from gateway.formats.markers import core, words
from gateway.parsing.closers import drop_second
from gateway.parsing.exact_scanner import ExactScanner
from gateway.parsing.moves import Steps, joined
from gateway.parsing.scanner import Scanner
from gateway.schema.types import STRING, parameter, read_bare, types_of

NOT_STRING = ["number", "boolean", "object", "array", "null"]


class TaggedReader:
    """Parses the arguments of `tool`, up to one of the markers `closes` that end a call.

    If it `may_repair`, the start of the next argument ends a value too, and values may be Python
    literals. If a value `ends_at_any_marker`, so do the start of an unknown argument and the end
    of the call. What is repaired is noted.
    """

    def __init__(
        self,
        scanner: Scanner,
        exact: ExactScanner,
        style: Tagged,
        tool: Tool,
        closes: tuple[str, ...],
        notes: list[Note],
        *,
        may_repair: bool,
        ends_at_any_marker: bool,
    ):
        self._scanner = scanner
        self._exact = exact
        self._style = style
        self._tool = tool
        self._notes = notes
        self._may_repair = may_repair
        self._ends_at_any_marker = ends_at_any_marker
        self._keys: set[str] = set()
        self._head = core(literal(style.parts[:1]))
        self._then = (self._head, *closes)
        self._closed = tuple(words(literal(style.parts[-1:])))

    def arguments(self) -> Steps[bool]:
        """Yields the arguments as JSON; returns whether there are any."""
        yield CallArguments("{")
        while (yield from self._scanner.next_marker(self._then)) == self._head:
            yield from self._scanner.expect(self._style.separator if self._keys else "")
            yield from self._argument()
            if self._may_repair:
                yield from drop_second(self._scanner, self._closed, self._notes)
        if self._scanner.is_cut_inside(self._then):
            why = "ends where an argument or the end of the call is expected"
            raise self._scanner.buffer.cut_short(why)
        yield CallArguments("}")
        return bool(self._keys)

    def _argument(self) -> Steps[None]:
        schema: Object = {}
        separator = ", " if self._keys else ""
        parts = self._style.parts
        for i, part in enumerate(parts):
            after = literal(parts[i + 1 : i + 2])
            match part:
                case Placeholder.KEY:
                    key = self._style.unescaped((yield from self._scanner.text_until(after)))
                    self._keys.add(key)
                    schema = parameter(self._tool.parameters, key)
                    yield CallArguments(f"{separator}{json.dumps(key, ensure_ascii=False)}: ")
                case Placeholder.TYPE:
                    type = yield from self._scanner.text_until(after)
                    is_string = type == self._style.types["string"]
                    schema = {"type": "string"} if is_string else {"type": [*NOT_STRING]}
                case Placeholder.VALUE:
                    if not (yield from self._value(schema, after)):
                        text = f"read a value that {core(after)!r} does not close"
                        self._notes.append(Note(NoteKind.REPAIRED, text))
                        return
                case str():
                    yield from self._scanner.expect(part, then_raw=True)

    # -- values

    def _value(self, schema: Object, after: str) -> Steps[bool]:
        """Parses a value up to `after`; returns whether it ended there."""
        if self._style.wrap:
            before, close = self._style.wrap
            if (yield from self._scanner.accept(before)):
                yield from self._raw_value(schema, close, (core(after),), ())
                yield from self._scanner.expect(close)
                return True
        breaks = self._breaks()
        then = () if self._ends_at_any_marker else self._then
        yield from self._raw_value(schema, after, then, breaks)
        return not breaks or bool((yield from self._scanner.next_marker((core(after),))))

    def _raw_value(
        self, schema: Object, after: str, then: tuple[str, ...], breaks: tuple[str, ...]
    ) -> Steps[None]:
        types = types_of(schema)
        if types == STRING:
            yield CallArguments('"')
            for piece in self._scanner.raw_until(after, then, breaks):
                yield None if piece is None else CallArguments(_inside_quotes(piece))
            yield CallArguments('"')
        elif "string" not in types and (yield from self._scanner.buffer.peek()) in ("{", "["):
            # The closing marker may be part of a string in the JSON.
            text = yield from joined(self._exact.arguments(self._exact.json_container()))
            yield CallArguments(read_bare(self._as_json(text), schema))
        else:
            text = yield from joined(self._scanner.raw_until(after, then, breaks))
            text = text if "string" in types else self._as_json(text)
            yield CallArguments(read_bare(text, schema))

    def _breaks(self) -> tuple[str, ...]:
        """The markers that end a value without closing it."""
        if self._ends_at_any_marker:
            return self._then
        if not self._may_repair:
            return ()
        properties = self._tool.parameters.get("properties")
        keys = properties if isinstance(properties, dict) else {}
        opened, closed = literal(self._style.parts[:1]), core(literal(self._style.parts[2:3]))
        missing = (key for key in keys if key not in self._keys)
        return tuple(opened + self._style.escaped(key) + closed for key in missing)

    def _as_json(self, text: str) -> str:
        """The JSON of a value that may be written as a Python literal."""
        if not self._may_repair or _is_json(text):
            return text
        try:
            value = literal_eval(text.strip())
            is_known = isinstance(value, dict | list | bool | None)
            return json.dumps(value, ensure_ascii=False, allow_nan=False) if is_known else text
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            return text


def _is_json(text: str) -> bool:
    try:
        parse_json(text)
    except (ValueError, RecursionError):
        return False
    return True


def _inside_quotes(piece: str) -> str:
    return json.dumps(piece, ensure_ascii=False)[1:-1]
