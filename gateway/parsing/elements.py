"""Reads arguments that are nested elements, such as MiniMax M3's."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from gateway.chat.json import Json, Object
from gateway.formats.elements import Tags
from gateway.formats.format import Elements
from gateway.parsing.cursor import Move, Pieces, joined
from gateway.parsing.window import Window
from gateway.schema.shapes import Array, Mapping, Shapes, Text
from gateway.schema.types import STRING, read_bare, types_of


@dataclass(frozen=True, slots=True)
class _Container:
    """An object or array that has begun, as the value of `key`."""

    key: str
    schema: Json
    is_array: bool

    @property
    def end(self) -> str:
        return "]" if self.is_array else "}"


class ElementsReader:
    """Reads arguments as they stream; `done` once what comes next opens no element.

    An element doesn't say what its text is: `parameters`, the tool's JSON Schema, does. White
    space is forgiven between elements, unless the reader is `strict`.
    """

    def __init__(self, style: Elements, parameters: Object, *, strict: bool = False):
        self.done = False
        self._item = style.item
        self._tags = Tags.of(style)
        self._shapes = Shapes(parameters)
        self._window = Window(strict=strict)
        self._steps = self._arguments(parameters)

    def feed(self, text: str, closed: bool = False) -> tuple[str, int]:
        """The JSON that `text` adds, and how many characters of it need not come again.

        `text` begins with what the last call left over.
        """
        return self._window.feed(self._steps, text)

    def _arguments(self, parameters: Object) -> Pieces:
        """One loop for all, so that an element costs the same however deep it stands."""
        yield "{"
        open, gap = [_Container("", parameters, is_array=False)], ""
        while open:
            yield from self._window.skip_space()
            if not (yield from self._opens()):
                ended = open.pop()
                if open:
                    yield from self._window.expect(self._tags.close(ended.key))
                yield ended.end
                gap = ", "
                continue
            key = yield from self._key(open[-1])
            yield gap if open[-1].is_array else f"{gap}{_dump(key)}: "
            schema, gap = self._within(open[-1], key), ", "
            types = types_of(self._shapes.alone(schema))
            if types == STRING:
                yield from self._string(key)
            elif (text := (yield from self._text(key, types))) is not None:
                yield self._bare(text, schema)
            else:
                is_array = yield from self._is_array(types)
                open.append(_Container(key, schema, is_array))
                yield "[" if is_array else "{"
                gap = ""
        self.done = True

    # -- elements

    def _opens(self) -> Move[bool]:
        """Pass the beginning of an element, if one comes."""
        if (yield from self._window.comes(self._tags.closing)):
            return False
        return (yield from self._window.passes(self._tags.opening))

    def _key(self, container: _Container) -> Move[str]:
        key = yield from joined(self._window.matching(KEY))
        if not key or not (yield from self._window.passes(self._tags.opened)):
            raise self._window.wrong(f"a key and {self._tags.opened!r}")
        if container.is_array and key != self._item:
            raise self._window.wrong(f"{self._item!r} before this, found {key!r}")
        return key

    def _is_array(self, types: frozenset[str]) -> Move[bool]:
        """Say which kind of container begins here; its first element tells, if need be."""
        kinds = types & {"array", "object"}
        if len(kinds) == 1:
            return "array" in kinds
        return (yield from self._window.comes(self._tags.open(self._item)))

    def _within(self, container: _Container, key: str) -> Json:
        """The schema of what `container` has at `key`."""
        found: list[Json] = []
        for shape in self._shapes.of(container.schema):
            match shape:
                case Array(items) if container.is_array:
                    found.append(items)
                case Mapping(properties, _, others) if not container.is_array:
                    found.append(properties.get(key, others))
        some = [schema for schema in found if schema is not False]
        return some[0] if len(some) == 1 else {"anyOf": some} if some else {}

    # -- text

    def _string(self, key: str) -> Pieces:
        yield '"'
        for piece in self._window.before(self._tags.closing):
            yield piece and _dump(piece)[1:-1]
        yield from self._window.expect(self._tags.close(key))
        yield '"'

    def _text(self, key: str, types: frozenset[str]) -> Move[str | None]:
        """Pass the text of an element and its end; None if there are elements in it."""
        if "string" not in types and (yield from self._is_json()):
            # In JSON the closing tag may stand inside a string.
            text = yield from joined(self._window.bracketed())
            yield from self._window.skip_space()
        else:
            text = yield from joined(self._window.before(self._tags.opening))
            is_blank = not (text if self._window.strict else text.strip())
            if is_blank and not (yield from self._window.comes(self._tags.closing)):
                return None
            text += yield from joined(self._window.before(self._tags.closing))
        yield from self._window.expect(self._tags.close(key))
        return text

    def _is_json(self) -> Move[bool]:
        yield from self._window.skip_space()
        return (yield from self._window.peek()) in ("{", "[")

    def _bare(self, text: str, schema: Json) -> str:
        if text if self._window.strict else text.strip():
            return read_bare(text, self._shapes.alone(schema))
        return self._blank(text, schema)

    def _blank(self, text: str, schema: Json) -> str:
        """What no text stands for: an empty string rather than an empty container."""
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
