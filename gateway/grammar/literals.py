"""The grammar of arguments that are written as a family's literals, such as `f(city="Paris")`.

What the notation can't write is relaxed: such a key is left out, and such a value may be any.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from gateway.chat.json import Json, Object
from gateway.formats import literals
from gateway.formats.format import Literals
from gateway.formats.literals import in_order, key_marker
from gateway.grammar.arrays import items
from gateway.grammar.bare_string import Bare, containing, quote
from gateway.grammar.expressions import choice, excluding, sequence
from gateway.grammar.json_schema.inline import json_rule, spaced
from gateway.grammar.rules import Rules
from gateway.parsing.arguments.literals import LiteralsReader
from gateway.parsing.buffer import Buffer
from gateway.parsing.exact_scanner import ExactScanner
from gateway.parsing.moves import Malformed, available
from gateway.schema.shapes import Array, Constant, Mapping, Number, Shape, Shapes, Text

ToLiteral: TypeAlias = Callable[[str], str]


class LiteralRules:
    """Writes the rules of one tool; `literal` writes a fixed text, with its special tokens."""

    def __init__(self, style: Literals, prefix: str, literal: ToLiteral):
        self._style = style
        self._literal = literal
        self._shapes = Shapes({})
        self._rules = Rules(prefix)

    @property
    def rules(self) -> dict[str, str]:
        """The bodies of the rules and terminals that `arguments` refers to, by name."""
        return self._rules.bodies

    def arguments(self, parameters: Object) -> str:
        """A part that matches the arguments of a tool with these `parameters`."""
        self._shapes = Shapes(parameters)
        return choice([self._pairs(m, within=False) for m in self._shapes.objects(parameters)])

    # -- values

    def _value(self, schema: Json) -> str:
        def body() -> str:
            choices = [*self._choices(self._shapes.of(schema))]
            return choice(choices) if choices else self._value(True)

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
                    yield self._rules.rule(json_rule(spaced(schema)))
                case Text(schema):
                    yield self._escaped(schema) if self._style.has_escapes else self._raw(schema)
                case Array():
                    yield f'"[" {self._items(shape)} "]"'
                case Mapping():
                    yield f'"{{" {self._pairs(shape, within=True)} "}}"'
        if strings:
            yield self._one_of(strings)

    def _constant(self, value: Json) -> str:
        """A part that matches `value`, in the same lexemes as the other values of its schema."""
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
        """Whether `arguments` can be written and parsed: raw text may contain a marker."""
        buffer = Buffer()
        reader = LiteralsReader(ExactScanner(buffer, strict=True), self._style)
        buffer.add(literals.write(arguments, self._style) + "}")
        try:
            text, is_all = available(reader.arguments())
        except Malformed:
            return False
        return is_all and bool(json.loads(text) == arguments)

    def _items(self, array: Array) -> str:
        return items(array, self._value, self._literal(self._style.separator))

    # -- strings

    def _one_of(self, strings: list[Json]) -> str:
        if not self._style.has_escapes:
            return self._raw({"enum": strings})
        return choice(quote(literals.write_value(one, self._style)) for one in strings)

    def _raw(self, schema: Object) -> str:
        opened, closed = self._style.quotes
        text = f"({Bare(schema, '').expression(schema)}) & ~{containing(closed)}"
        return sequence(self._literal(opened), self._rules.closed(text, self._literal(closed)))

    def _escaped(self, schema: Object) -> str:
        often = f"{{{schema.get('minLength', 0)},{schema.get('maxLength', '')}}}"
        text = f"/({_UNESCAPED}|{_ESCAPE}){often}/"
        if "pattern" in schema or "format" in schema:
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
        return self._parted(pairs, other, gap, mapping.least)

    def _parted(self, pairs: Sequence[tuple[str, bool]], other: str, gap: str, least: int) -> str:
        """Pairs in their order, separated by `gap`; each with whether it is required.

        There is one if there are to be at `least` some.
        """
        more = f"({gap} {other})*" if other else ""
        needed = [required for _, required in pairs]
        if True in needed:
            first = needed.index(True)
            before = [f"({pair} {gap})?" for pair, _ in pairs[:first]]
            after = [
                f"({gap} {pair}){'' if is_due else '?'}" for pair, is_due in pairs[first + 1 :]
            ]
            return sequence(*before, pairs[first][0], *after, more)
        starts = [sequence(other, more)] if other else []
        for pair, _ in reversed(pairs):  # the rest has a name, or the rule would grow quadratically
            starts.append(sequence(pair, more))
            more = self._rules.rule(sequence(f"({gap} {pair})?", more))
        if not starts:
            return ""
        return choice(starts) if least else f"{choice(starts)}?"

    def _pair(self, key: str, schema: Json, within: bool) -> str:
        return f"{self._key(key, within=within)} {self._value(schema)}"

    def _key(self, key: str, *, within: bool) -> str:
        marker = key_marker(self._style.pair if within else self._style.argument)
        if within and self._style.has_quoted_keys:
            return quote(literals.write_value(key, self._style) + marker)
        return quote(key + marker)

    def _any_key(self, listed: Sequence[str], within: bool) -> str:
        """A part that matches any key that is not `listed`."""
        marker = quote(key_marker(self._style.pair if within else self._style.argument))
        if not within or not self._style.has_quoted_keys:
            name = _NAME if self._style.has_escapes else _BARE_KEY
            return self._rules.terminal(f"{self._rules.terminal(excluding(name, listed))} {marker}")
        # With an escape, a listed key could be written in another way.
        inside = excluding(f"/{_UNESCAPED}*/", listed) if listed else f"/({_UNESCAPED}|{_ESCAPE})*/"
        opened, closed = map(quote, self._style.quotes)
        return self._rules.terminal(f"{opened} {self._rules.terminal(inside)} {closed} {marker}")


_UNESCAPED = r"[^'\\\x00-\x1f\x7f]"
_ESCAPE = r"""\\([\\'"nrt]|x[0-9a-f]{2}|u([0-9a-ce-f][0-9a-f]{3}|d[0-7][0-9a-f]{2}))"""
_NAME = "/[A-Za-z_][A-Za-z0-9_]*/"
_IN_KEY = r"""{}\[\]()<>,:='"\\\x00-\x1f\x7f"""
_BARE_KEY = rf"/[^{_IN_KEY}\s]([^{_IN_KEY}]*[^{_IN_KEY}\s])?/"
