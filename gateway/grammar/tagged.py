"""The grammar of tagged arguments, such as `<parameter=city>Paris</parameter>`."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gateway.chat.json import Json, Object
from gateway.chat.messages import Tool
from gateway.formats.format import Placeholder, Tagged
from gateway.formats.markers import core
from gateway.grammar.bare_string import ANY_TEXT, NOTHING, Bare, not_read_as, without
from gateway.grammar.expressions import EMPTY, choice, sequence
from gateway.grammar.json_schema.inline import json_rule, spaced
from gateway.grammar.lark import Lark
from gateway.schema.refs import standalone
from gateway.schema.shapes import Mapping, Shapes
from gateway.schema.types import STRING, parameter, types_of


class TaggedRules:
    """Adds the rules for a tool's arguments to `lark`."""

    def __init__(self, style: Tagged, lark: Lark):
        self._style = style
        self._lark = lark
        self._names: dict[str, str] = {}

    def arguments(self, tool: Tool, rule: str) -> str:
        """A part that matches the arguments of `tool`; the names of its rules begin with `rule`."""
        found = Shapes(tool.parameters).objects(tool.parameters)
        rules = [rule, *(f"{rule}_or_{i}" for i in range(1, len(found)))]
        ways = [
            self._in_order(self._arguments(one, tool.parameters, rule), name)
            for one, name in zip(found, rules, strict=True)
        ]
        return choice(ways) if len(ways) > 1 else ways[0]

    def _arguments(self, mapping: Mapping, parameters: Object, rule: str) -> list[tuple[str, bool]]:
        """The names of the rules of the arguments, each with whether it is required."""
        keys = filter(self._is_written, mapping.properties)
        return [
            (self._rule(key, mapping.properties[key], parameters, rule), key in mapping.required)
            for key in keys
        ]

    def _rule(self, key: str, schema: Json, parameters: Object, rule: str) -> str:
        """The name of the rule of one argument; several kinds of objects may share it."""
        same = json.dumps((rule, key, schema))
        if same not in self._names:
            self._names[same] = name = f"{rule}_{len(self._names)}"
            known = parameter(parameters, key)
            # What this kind of object requires, another may list.
            whole = standalone(schema, parameters) if isinstance(schema, dict) else known
            values = [*self._values(whole, types_of(known), name)]
            self._lark.rules[name] = self._argument(key, values)
            if between := self._style.separator:
                # The separator may begin as the text after the last argument does.
                self._lark.rules[f"{name}_next"] = self._argument(key, values, between)
        return self._names[same]

    def _in_order(self, written: list[tuple[str, bool]], rule: str) -> str:
        """The arguments in their order, with separators between them."""
        if not self._style.separator:
            return " ".join(n if needed else f"{n}?" for n, needed in written) or EMPTY
        if not written:
            return EMPTY
        first, _ = self._parted(written, rule)
        return first if any(needed for _, needed in written) else f"{first}?"

    def _parted(self, written: list[tuple[str, bool]], rule: str) -> tuple[str, str]:
        """One or more of the arguments, separated; and those that follow others, if any.

        In halves: llguidance descends into rules on its stack.
        """
        if len(written) == 1:
            [(name, needed)] = written
            return name, f"{name}_next" if needed else f"{name}_next?"
        middle = len(written) // 2
        first, after = self._parted(written[:middle], f"{rule}_0")
        other, other_after = self._parted(written[middle:], f"{rule}_1")
        names = f"{rule}_from", f"{rule}_after"
        is_left_out = not any(needed for _, needed in written[:middle])
        self._lark.rules |= {
            names[0]: f"{first} {other_after}" + (f" | {other}" if is_left_out else ""),
            names[1]: f"{after} {other_after}",
        }
        return names

    def _is_written(self, key: str) -> bool:
        """Whether `key` is parsed as it is written; any other is left out."""
        parts = self._style.parts
        end = str(parts[parts.index(Placeholder.KEY) + 1]).split()[0]
        return end not in self._style.escaped(key) and "\n" not in key

    def _argument(self, key: str, values: list[tuple[str, str]], before: str = "") -> str:
        ways = [self._way(before, key, type, value) for type, value in values]
        return choice(ways) if ways else NOTHING

    def _way(self, before: str, key: str, type: str, value: str) -> str:
        """An argument with a value that `value` matches, with its closing marker."""
        fill = {Placeholder.KEY: self._style.escaped(key), Placeholder.TYPE: type}
        opening = self._style.parts[: self._style.parts.index(Placeholder.VALUE)]
        opened = "".join(fill[part] if isinstance(part, Placeholder) else part for part in opening)
        return sequence(self._lark.literal(before + opened), value)

    @property
    def _close(self) -> str:
        """The marker that closes a value, and all that follows it."""
        parts = self._style.parts
        return "".join(map(str, parts[parts.index(Placeholder.VALUE) + 1 :]))

    def _values(
        self, schema: Object, read_as: frozenset[str], rule: str
    ) -> Iterator[tuple[str, str]]:
        """Parts that match a value, each after the text that the format has for its type.

        The parser reads the value as one of the types `read_as`, not knowing the other arguments.
        """
        wrapped = self._style.wrap[1] if self._style.wrap else ""
        bare = Bare(schema, rule.upper(), wrapped + core(self._close))
        text, others = bare.expression(schema), types_of(schema) - STRING
        self._lark.rules |= bare.rules
        if self._style.types:
            yield from self._typed(schema, rule, text, others)
            return
        if text is not None and (elsewhere := read_as - others - STRING):
            text = not_read_as(text, elsewhere)
        mixed = bool(others) and text not in (None, ANY_TEXT)
        if text is not None:
            # Text with a bracket first would be parsed as JSON.
            text += r" & ~/[\[{](?s:.*)/" if mixed else ""
            yield from (("", way) for way in self._texts(text, rule.upper()))
        if text is None or mixed:
            only: Object = {**schema, "type": [*_names(others)]}
            yield "", self._json(only if text else schema, f"{rule}_json")

    def _texts(self, text: str, rule: str) -> Iterator[str]:
        """Text as it is, and text between the markers that the format wraps some text in."""
        if self._style.wrap:
            opened, closed = self._style.wrap
            wrapped = self._lark.closed(f"{rule}_WRAPPED", text, closed + self._close)
            yield sequence(self._lark.literal(opened), wrapped)
            text = f"({text}) & {without(self._style.wrap_if_any)}"
        yield self._lark.closed(rule, text, self._close)

    def _typed(
        self, schema: Object, rule: str, text: str | None, others: frozenset[str]
    ) -> Iterator[tuple[str, str]]:
        """Values with their types, by which text differs from JSON."""
        names = self._style.types
        if text is not None:
            yield names["string"], self._lark.closed(rule.upper(), text, self._close)
        by_name: dict[str, list[Json]] = {}
        for type in _names(others):
            by_name.setdefault(names.get(type, names["number"]), []).append(type)
        for i, (name, types) in enumerate(by_name.items()):
            yield name, self._json({**schema, "type": types}, f"{rule}_json_{i}")

    def _json(self, schema: Object, rule: str) -> str:
        self._lark.rules[rule] = json_rule(spaced(schema))
        return sequence(rule, self._lark.literal(self._close))


def _names(types: frozenset[str]) -> list[str]:
    """The names of `types` in a schema; any number may be an integer."""
    return sorted(types - {"integer"} if "number" in types else types)
