"""The grammar of arguments that are written as elements, such as `<city>Paris</city>`.

What the notation can't write is relaxed: such a key is left out, and such a value may be any.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from gateway.chat.json import Json, Object
from gateway.formats import elements
from gateway.formats.elements import Tags
from gateway.formats.format import Elements
from gateway.grammar.arrays import items
from gateway.grammar.bare_string import Bare, containing, quote
from gateway.grammar.expressions import EMPTY, choice, sequence
from gateway.grammar.json_schema.inline import json_rule, spaced
from gateway.grammar.literals import ToLiteral
from gateway.grammar.rules import Rules
from gateway.parsing.arguments.elements import KEY, ElementsReader
from gateway.parsing.buffer import Buffer
from gateway.parsing.exact_scanner import ExactScanner
from gateway.parsing.moves import Malformed, available
from gateway.schema.shapes import Array, Constant, Mapping, Number, Shape, Shapes, Text


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
        return choice([self._elements(m) for m in self._shapes.objects(parameters)])

    def _elements(self, mapping: Mapping) -> str:
        return sequence(
            *(
                f"({self._element(key, schema)}){'' if key in mapping.required else '?'}"
                for key, schema in mapping.properties.items()
                if KEY.fullmatch(key) and not key.startswith("/")
            )
        )

    def _element(self, key: str, schema: Json) -> str:
        opened, closed = quote(key + self._tags.opened), quote(key + self._tags.closed)
        return f"{self._literal(self._tags.opening)} {opened} {self._value(schema)} {closed}"

    # -- values, each with the beginning of its closing tag

    def _value(self, schema: Json) -> str:
        def body() -> str:
            choices = [*self._texts(schema), *self._others(schema)]
            return choice(choices) if choices else self._value(True)

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
            if part := self._shape(shape, schema, is_any_text):
                yield f"{part} {self._literal(self._tags.closing)}"

    def _shape(self, shape: Shape, schema: Json, is_any_text: bool) -> str | None:
        """A value that is not a string; if any text is admitted, only values with tags differ."""
        match shape:
            case Array():
                return self._items(shape)
            case Mapping(properties, _, others) if properties or others is False:
                return self._elements(shape) or EMPTY
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
