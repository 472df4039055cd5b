"""A JSON Schema -> rules for arguments that are not JSON: a family's literals, or its elements.

What a notation can't write is given up: a key is left out, a value may be any.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from gateway.chat.json import Json, Object
from gateway.formats import elements, literals
from gateway.formats.elements import Tags
from gateway.formats.format import Elements, Literals
from gateway.formats.literals import in_order, key_marker
from gateway.grammar.bare_string import Bare, containing, quote
from gateway.grammar.rules import Rules, as_json, but, either, joined, times
from gateway.parsing.buffer import Buffer
from gateway.parsing.elements import KEY, ElementsReader
from gateway.parsing.exact_scanner import ExactScanner
from gateway.parsing.literals import LiteralsReader
from gateway.parsing.moves import Malformed, available
from gateway.schema.shapes import Array, Constant, Mapping, Number, Shape, Shapes, Text

Spell: TypeAlias = Callable[[str], str]


class LiteralRules:
    """The rules of one tool; `literal` spells a fixed text, special tokens and all."""

    def __init__(self, style: Literals, prefix: str, literal: Spell):
        self._style = style
        self._literal = literal
        self._shapes = Shapes({})
        self._rules = Rules(prefix)

    @property
    def rules(self) -> dict[str, str]:
        """The rules and terminals that `arguments` refers to, name to body."""
        return self._rules.bodies

    def arguments(self, parameters: Object) -> str:
        """What may be written where the arguments of a tool are due."""
        self._shapes = Shapes(parameters)
        return either(
            [self._pairs(m, within=False) or '""' for m in _objects(self._shapes, parameters)]
        )

    # -- values

    def _value(self, schema: Json) -> str:
        def body() -> str:
            choices = [*self._choices(self._shapes.of(schema))]
            return either(choices) if choices else self._value(True)

        return self._rules.recursive(f"value {json.dumps(schema)}", body)

    def _choices(self, shapes: list[Shape]) -> Iterator[str]:
        strings: list[Json] = []
        for shape in shapes:
            match shape:
                case Constant(value):
                    if not self._is_read_back({"k": value}):
                        continue
                    if isinstance(value, str):
                        strings.append(value)
                    else:
                        yield self._constant(value)
                case Number(schema):
                    yield self._rules.rule(as_json(schema))
                case Text(schema):
                    yield self._escaped(schema) if self._style.has_escapes else self._raw(schema)
                case Array():
                    yield f'"[" {self._items(shape)} "]"'
                case Mapping():
                    yield f'"{{" {self._pairs(shape, within=True)} "}}"'
        if strings:
            yield self._one_of(strings)

    def _constant(self, value: Json) -> str:
        """One value, in the same pieces as any other that may stand in its place."""
        gap = f" {self._literal(self._style.separator)} "
        match value:
            case str():
                return self._one_of([value])
            case list():
                return f'"[" {gap.join(map(self._constant, value))} "]"'
            case dict():
                keys = in_order(value, self._style)
                pairs = [
                    f"{self._key(key, within=True)} {self._constant(value[key])}" for key in keys
                ]
                return f'"{{" {gap.join(pairs)} "}}"'
        return quote(literals.write_value(value, self._style))

    def _is_read_back(self, arguments: Object) -> bool:
        """Whether `arguments` can be written at all: raw text may hold a mark."""
        buffer = Buffer()
        reader = LiteralsReader(ExactScanner(buffer, strict=True), self._style)
        buffer.add(literals.write(arguments, self._style) + "}")
        try:
            text, is_all = available(reader.arguments())
        except Malformed:
            return False
        return is_all and bool(json.loads(text) == arguments)

    def _items(self, array: Array) -> str:
        if array.most == 0:
            return ""
        item, gap = self._value(array.items), self._literal(self._style.separator)
        most = None if array.most is None else array.most - 1
        more = times(f"({gap} {item})", max(array.least - 1, 0), most)
        return f"({joined([item, more])}){'' if array.least else '?'}"

    # -- strings

    def _one_of(self, strings: list[Json]) -> str:
        if not self._style.has_escapes:
            return self._raw({"enum": strings})
        return either(quote(literals.write_value(one, self._style)) for one in strings)

    def _raw(self, schema: Object) -> str:
        opened, closed = self._style.quotes
        text = f"({Bare(schema, '').expression(schema)}) & ~{containing(closed)}"
        return joined([self._literal(opened), self._rules.closed(text, self._literal(closed))])

    def _escaped(self, schema: Object) -> str:
        often = f"{{{schema.get('minLength', 0)},{schema.get('maxLength', '')}}}"
        text = f"/({_UNESCAPED}|{_ESCAPE}){often}/"
        if isinstance(schema.get("pattern"), str):
            text = self._rules.terminal(
                f"({Bare(schema, '').expression(schema)}) & /{_UNESCAPED}*/"
            )
        opened, closed = map(quote, self._style.quotes)
        return self._rules.terminal(f"{opened} {text} {closed}")

    # -- keys and their values

    def _pairs(self, mapping: Mapping, *, within: bool) -> str:
        gap = self._literal(self._style.separator)
        keys = in_order(mapping.properties, self._style)
        pairs = [
            (self._pair(key, mapping.properties[key], within), key in mapping.required)
            for key in keys
            if self._is_read_back({"k": {key: 1}} if within else {key: 1})
        ]
        other = ""
        if mapping.others is not False:
            other = f"{self._any_key(keys, within)} {self._value(mapping.others)}"
        return self._parted(pairs, other, gap)

    def _parted(self, pairs: Sequence[tuple[str, bool]], other: str, gap: str) -> str:
        """Pairs in their order, the optional ones or not, and a gap between any two."""
        more = f"({gap} {other})*" if other else ""
        needed = [required for _, required in pairs]
        if True in needed:
            first = needed.index(True)
            before = [f"({pair} {gap})?" for pair, _ in pairs[:first]]
            after = [
                f"({gap} {pair}){'' if is_due else '?'}" for pair, is_due in pairs[first + 1 :]
            ]
            return joined([*before, pairs[first][0], *after, more])
        starts = [joined([other, more])] if other else []
        for pair, _ in reversed(pairs):  # what follows each has a name, else this would be long
            starts.append(joined([pair, more]))
            more = self._rules.rule(joined([f"({gap} {pair})?", more]))
        return f"{either(starts)}?" if starts else ""

    def _pair(self, key: str, schema: Json, within: bool) -> str:
        return f"{self._key(key, within=within)} {self._value(schema)}"

    def _key(self, key: str, *, within: bool) -> str:
        mark = key_marker(self._style.pair if within else self._style.argument)
        if within and self._style.has_quoted_keys:
            return quote(literals.write_value(key, self._style) + mark)
        return quote(key + mark)

    def _any_key(self, listed: Sequence[str], within: bool) -> str:
        """A key that is none of those that are `listed`."""
        mark = quote(key_marker(self._style.pair if within else self._style.argument))
        if not within or not self._style.has_quoted_keys:
            name = _NAME if self._style.has_escapes else _BARE_KEY
            return self._rules.terminal(f"{self._rules.terminal(but(name, listed))} {mark}")
        # An escape would be another way to spell a key that is listed.
        inside = but(f"/{_UNESCAPED}*/", listed) if listed else f"/({_UNESCAPED}|{_ESCAPE})*/"
        opened, closed = map(quote, self._style.quotes)
        return self._rules.terminal(f"{opened} {self._rules.terminal(inside)} {closed} {mark}")


class ElementsRules:
    """The rules of one tool; `literal` spells a fixed text, special tokens and all."""

    def __init__(self, style: Elements, prefix: str, literal: Spell):
        self._style = style
        self._tags = Tags.of(style)
        self._literal = literal
        self._shapes = Shapes({})
        self._rules = Rules(prefix)

    @property
    def rules(self) -> dict[str, str]:
        """The rules and terminals that `arguments` refers to, name to body."""
        return self._rules.bodies

    def arguments(self, parameters: Object) -> str:
        """What may be written where the arguments of a tool are due."""
        self._shapes = Shapes(parameters)
        return either([self._elements(m) or '""' for m in _objects(self._shapes, parameters)])

    def _elements(self, mapping: Mapping) -> str:
        return joined(
            f"({self._element(key, schema)}){'' if key in mapping.required else '?'}"
            for key, schema in mapping.properties.items()
            if KEY.fullmatch(key) and not key.startswith("/")
        )

    def _element(self, key: str, schema: Json) -> str:
        opened, closed = quote(key + self._tags.opened), quote(key + self._tags.closed)
        return f"{self._literal(self._tags.opening)} {opened} {self._value(schema)} {closed}"

    # -- values, and how the tag begins that closes each

    def _value(self, schema: Json) -> str:
        def body() -> str:
            choices = [*self._texts(schema), *self._others(schema)]
            return either(choices) if choices else self._value(True)

        return self._rules.recursive(f"value {json.dumps(schema)}", body)

    def _texts(self, schema: Json) -> Iterator[str]:
        shapes = self._shapes.of(schema)
        enum = [shape.value for shape in shapes if isinstance(shape, Constant)]
        text: list[Object] = [shape.schema for shape in shapes if isinstance(shape, Text)]
        strings: list[Json] = [value for value in enum if isinstance(value, str)]
        if strings:
            text.append({"enum": strings})
        for one in text:
            text_of = Bare(one, "", self._tags.opening)
            bare = f"({text_of.expression(one)}) & ~{containing(self._tags.opening)}"
            yield self._rules.closed(bare, self._literal(self._tags.closing))

    def _others(self, schema: Json) -> Iterator[str]:
        shapes = self._shapes.of(schema)
        is_any_text = any(isinstance(s, Text) and s.schema == {"type": "string"} for s in shapes)
        for shape in shapes:
            if spelled := self._shape(shape, schema, is_any_text):
                yield f"{spelled} {self._literal(self._tags.closing)}"

    def _shape(self, shape: Shape, schema: Json, is_any_text: bool) -> str | None:
        """Whatever is no string; where any text may stand, what is written without tags is text."""
        match shape:
            case Array():
                return self._items(shape)
            case Mapping(properties, _, others) if properties or others is False:
                return self._elements(shape) or '""'
            case Mapping(_, _, others) if not is_any_text:
                shared = self._shapes.shared
                free: Object = {**shared, "type": "object", "additionalProperties": others}
                return self._rules.rule(as_json(free))
            case Number(bounds) if not is_any_text:
                return self._rules.rule(as_json(bounds))
            case Constant(list() | dict() as value):
                return self._constant(value, schema, elements.write_value(value, self._style))
            case Constant(value) if not isinstance(value, str) and not is_any_text:
                return self._constant(value, schema, json.dumps(value))
        return None

    def _constant(self, value: Json, schema: Json, written: str) -> str | None:
        """What stands for a constant, if it is read back as what it was."""
        parameters: Object = {**self._shapes.shared, "properties": {"k": schema}}
        buffer = Buffer()
        reader = ElementsReader(ExactScanner(buffer, strict=True), self._style, parameters)
        buffer.add(f"{self._tags.open('k')}{written}{self._tags.close('k')}.")
        try:
            text, is_all = available(reader.arguments())
        except Malformed:
            return None
        is_same = is_all and json.loads(text) == {"k": value}
        return (self._literal(written) or '""') if is_same else None

    def _items(self, array: Array) -> str:
        if array.most == 0:
            return '""'
        item = self._element(self._style.item, array.items)
        return times(f"({item})", array.least, array.most)


def _objects(shapes: Shapes, parameters: Object) -> list[Mapping]:
    found = [shape for shape in shapes.of(parameters) if isinstance(shape, Mapping)]
    return found or _objects(shapes, {"type": "object"})


_UNESCAPED = r"[^'\\\x00-\x1f\x7f]"
_ESCAPE = r"""\\([\\'"nrt]|x[0-9a-f]{2}|u([0-9a-ce-f][0-9a-f]{3}|d[0-7][0-9a-f]{2}))"""
_NAME = "/[A-Za-z_][A-Za-z0-9_]*/"
_IN_KEY = r"""{}\[\]()<>,:='"\\\x00-\x1f\x7f"""
_BARE_KEY = rf"/[^{_IN_KEY}\s]([^{_IN_KEY}]*[^{_IN_KEY}\s])?/"
