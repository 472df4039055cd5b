"""The grammar of arguments that are written as elements, such as `<city>Paris</city>`.

What the notation can't write is relaxed: such a key is left out, and such a value may be any.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from gateway.chat.json import Json, Object
from gateway.formats import elements
from gateway.formats.elements import Tags
from gateway.formats.format import Elements
from gateway.grammar.arrays import items
from gateway.grammar.bare_string import Bare, containing, not_read_as, quote
from gateway.grammar.expressions import EMPTY, choice, sequence
from gateway.grammar.json_schema.inline import json_rule, spaced
from gateway.grammar.literals import ToLiteral
from gateway.grammar.rules import Rules
from gateway.parsing.arguments.elements import KEY, ElementsReader
from gateway.parsing.buffer import Buffer
from gateway.parsing.exact_scanner import ExactScanner
from gateway.parsing.moves import Malformed, available
from gateway.schema.shapes import Array, Constant, Mapping, Number, Shape, Shapes, Text
from gateway.schema.types import types_of


class ElementRules:
    """Writes the rules of one tool; `literal` writes a fixed text, with its special tokens."""

    def __init__(self, style: Elements, prefix: str, literal: ToLiteral):
        self._style = style
        self._tags = Tags.of(style)
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
        found = self._shapes.objects(parameters)
        return choice([self._elements(one, found) for one in found])

    def _elements(self, mapping: Mapping, kinds: Sequence[Mapping]) -> str:
        """The elements of an object of one of `kinds`, which the parser does not tell apart."""
        written = []
        for key, schema in mapping.properties.items():
            if KEY.fullmatch(key) and not key.startswith("/"):
                element = self._element(key, schema, self._types(key, kinds))
                written.append(f"({element}){'' if key in mapping.required else '?'}")
        return sequence(*written)

    def _types(self, key: str, kinds: Sequence[Mapping]) -> frozenset[str]:
        listed = [one.properties[key] for one in kinds if key in one.properties]
        return frozenset().union(*(types_of(self._shapes.alone(one)) for one in listed))

    def _element(self, key: str, schema: Json, read_as: frozenset[str] = frozenset()) -> str:
        opened, closed = quote(key + self._tags.opened), quote(key + self._tags.closed)
        return (
            f"{self._literal(self._tags.opening)} {opened} {self._value(schema, read_as)} {closed}"
        )

    # -- values, each with the beginning of its closing tag

    def _value(self, schema: Json, read_as: frozenset[str]) -> str:
        """A value that is read as one of the types `read_as`, or of those of `schema`."""
        elsewhere = read_as - types_of(self._shapes.alone(schema))

        def body() -> str:
            choices = [*self._texts(schema, elsewhere), *self._others(schema)]
            return choice(choices) if choices else self._value(True, read_as)

        return self._rules.recursive(f"value {sorted(elsewhere)} {json.dumps(schema)}", body)

    def _texts(self, schema: Json, elsewhere: frozenset[str]) -> Iterator[str]:
        shapes = self._shapes.of(schema)
        enum = [shape.value for shape in shapes if isinstance(shape, Constant)]
        text: list[Object] = [shape.schema for shape in shapes if isinstance(shape, Text)]
        strings: list[Json] = [value for value in enum if isinstance(value, str)]
        if strings:
            text.append({"enum": strings})
        for one in text:
            text_of = Bare(one, "", self._tags.opening)
            bare = not_read_as(f"({text_of.expression(one)})", elsewhere)
            bare += f" & ~{containing(self._tags.opening)}"
            yield self._rules.closed(bare, self._literal(self._tags.closing))

    def _others(self, schema: Json) -> Iterator[str]:
        shapes = self._shapes.of(schema)
        kinds = [shape for shape in shapes if isinstance(shape, Mapping)]
        is_any_text = any(isinstance(s, Text) and s.schema == {"type": "string"} for s in shapes)
        for shape in shapes:
            if part := self._shape(shape, schema, is_any_text, kinds):
                yield f"{part} {self._literal(self._tags.closing)}"

    def _shape(
        self, shape: Shape, schema: Json, is_any_text: bool, kinds: Sequence[Mapping]
    ) -> str | None:
        """A value that is not a string; if any text is admitted, only values with tags differ."""
        match shape:
            case Array():
                return self._items(shape)
            case Mapping(properties, _, others) if properties or others is False:
                return self._elements(shape, kinds) or EMPTY
            case Mapping(_, _, others) if not is_any_text:
                shared = self._shapes.shared
                free: Object = {**shared, "type": "object", "additionalProperties": others}
                return self._rules.rule(json_rule(spaced(free)))
            case Number(bounds) if not is_any_text:
                return self._rules.rule(json_rule(spaced(bounds)))
            case Constant(list() | dict() as value):
                return self._constant(value, schema, elements.write_value(value, self._style))
            case Constant(value) if not isinstance(value, str) and not is_any_text:
                return self._constant(value, schema, json.dumps(value))
        return None

    def _constant(self, value: Json, schema: Json, written: str) -> str | None:
        """A part that matches the constant `value`, if it is parsed as that value again."""
        parameters: Object = {**self._shapes.shared, "properties": {"k": schema}}
        buffer = Buffer()
        reader = ElementsReader(ExactScanner(buffer, strict=True), self._style, parameters)
        buffer.add(f"{self._tags.open('k')}{written}{self._tags.close('k')}.")
        try:
            text, is_all = available(reader.arguments())
        except Malformed:
            return None
        is_same = is_all and json.loads(text) == {"k": value}
        return (self._literal(written) or EMPTY) if is_same else None

    def _items(self, array: Array) -> str:
        return items(array, lambda schema: self._element(self._style.item, schema)) or EMPTY
