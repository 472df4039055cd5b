"""Parses arguments that are nested elements, such as MiniMax M3's."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from gateway.chat.json import Json, Object
from gateway.formats.elements import Tags
from gateway.formats.format import Elements
from gateway.parsing.exact_scanner import ExactScanner
from gateway.parsing.moves import Move, Pieces, joined
from gateway.schema.shapes import Array, Mapping, Shapes, Text
from gateway.schema.types import STRING, read_bare, types_of


@dataclass(slots=True)
class _Container:
    """An open object or array, the value of `key`."""

    key: str
    schema: Json
    is_array: bool
    count: int = 0  # of the elements before the next one

    @property
    def end(self) -> str:
        return "]" if self.is_array else "}"


class ElementsReader:
    """Parses arguments into JSON text, up to text that opens no element.

    An element does not show the type of its text; `parameters`, the tool's JSON Schema, does.
    Unless the scanner is `strict`, white space between elements is skipped, the arguments end
    before `next_call`, and what closes an element may come twice.
    """

    def __init__(
        self, scanner: ExactScanner, style: Elements, parameters: Object, *, next_call: str = ""
    ):
        self._scanner = scanner
        self._item = style.item
        self._tags = Tags.of(style)
        self._parameters = parameters
        self._next_call = next_call
        self._shapes = Shapes(parameters)

    def arguments(self) -> Pieces:
        """Yields JSON text. It is one loop, so that an element costs the same at any depth."""
        yield "{"
        open, separator = [_Container("", self._parameters, is_array=False)], ""
        closed = ""  # the key of the last element
        while open:
            yield from self._scanner.skip_space()
            if not (yield from self._opens()):
                if (yield from self._closes_again(closed, open[-1])):
                    continue
                ended = open.pop()
                closed = ended.key
                if open:
                    yield from self._scanner.expect(self._tags.close(ended.key))
                yield ended.end
                separator = ", "
                continue
            key = yield from self._key(open[-1])
            yield separator if open[-1].is_array else f"{separator}{_dump(key)}: "
            schema, separator = self._within(open[-1], key), ", "
            open[-1].count += 1
            types = types_of(self._shapes.alone(schema))
            if types == STRING:
                yield from self._string(key)
                closed = key
            elif (text := (yield from self._text(key, types))) is not None:
                yield self._value(text, schema)
                closed = key
            else:
                is_array = yield from self._is_array(types)
                open.append(_Container(key, schema, is_array))
                yield "[" if is_array else "{"
                separator = ""

    # -- elements

    def _opens(self) -> Move[bool]:
        """Consumes the beginning of an element, if one comes next."""
        if (yield from self._scanner.is_next(self._tags.closing)):
            return False
        ends_early = self._next_call and not self._scanner.strict
        if ends_early and (yield from self._scanner.is_next(self._next_call)):
            return False
        return (yield from self._scanner.accept(self._tags.opening))

    def _closes_again(self, key: str, container: _Container) -> Move[bool]:
        """Drops what closes the last element, if it comes again and closes nothing else."""
        if self._scanner.strict or key in ("", container.key):
            return False
        if self._next_call.startswith(self._tags.opening + key):
            return False
        return (yield from self._scanner.accept(self._tags.close(key)))

    def _key(self, container: _Container) -> Move[str]:
        key = yield from joined(self._scanner.matching(KEY))
        if not key or not (yield from self._scanner.accept(self._tags.opened)):
            raise self._scanner.unexpected(f"a key and {self._tags.opened!r}")
        if container.is_array and key != self._item:
            raise self._scanner.unexpected(f"{self._item!r} before this, found {key!r}")
        return key

    def _is_array(self, types: frozenset[str]) -> Move[bool]:
        """Whether an array begins here; if both are possible, its first element decides."""
        kinds = types & {"array", "object"}
        if len(kinds) == 1:
            return "array" in kinds
        return (yield from self._scanner.is_next(self._tags.open(self._item)))

    def _within(self, container: _Container, key: str) -> Json:
        """The schema of the value at `key` in `container`."""
        found: list[Json] = []
        for shape in self._shapes.of(container.schema):
            match shape:
                case Array() if container.is_array:
                    found.append(shape.at(container.count))
                case Mapping(properties, _, others) if not container.is_array:
                    found.append(properties.get(key, others))
        some = [schema for schema in found if schema is not False]
        return some[0] if len(some) == 1 else {"anyOf": some} if some else {}

    # -- text

    def _string(self, key: str) -> Pieces:
        yield '"'
        for piece in self._scanner.before(self._tags.closing):
            yield piece and _dump(piece)[1:-1]
        yield from self._scanner.expect(self._tags.close(key))
        yield '"'

    def _text(self, key: str, types: frozenset[str]) -> Move[str | None]:
        """Consumes the text of an element and its end; None if it contains elements."""
        if "string" not in types and (yield from self._is_json()):
            # The closing tag may be part of a string in the JSON.
            text = yield from joined(self._scanner.json_container())
            yield from self._scanner.skip_space()
        else:
            text = yield from joined(self._scanner.before(self._tags.opening))
            is_blank = not (text if self._scanner.strict else text.strip())
            if is_blank and not (yield from self._scanner.is_next(self._tags.closing)):
                return None
            text += yield from joined(self._scanner.before(self._tags.closing))
        yield from self._scanner.expect(self._tags.close(key))
        return text

    def _is_json(self) -> Move[bool]:
        yield from self._scanner.skip_space()
        return (yield from self._scanner.peek()) in ("{", "[")

    def _value(self, text: str, schema: Json) -> str:
        if text if self._scanner.strict else text.strip():
            return read_bare(text, self._shapes.alone(schema))
        return self._blank(text, schema)

    def _blank(self, text: str, schema: Json) -> str:
        """The value of an element without text: an empty string rather than an empty container."""
        shapes = self._shapes.of(schema)
        if any(isinstance(shape, Text) and shape.schema == _ANY_TEXT for shape in shapes):
            return _dump(text)
        if any(isinstance(shape, Mapping) and not shape.required for shape in shapes):
            return "{}"
        if any(isinstance(shape, Array) and not shape.least for shape in shapes):
            return "[]"
        return "null" if "string" not in types_of(self._shapes.alone(schema)) else _dump(text)


def _dump(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_ANY_TEXT: Object = {"type": "string"}
KEY = re.compile(r'[^<>"\n]*')
