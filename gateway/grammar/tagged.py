"""The grammar of tagged arguments, such as `<parameter=city>Paris</parameter>`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.chat.json import Json, Object
from gateway.chat.messages import Tool
from gateway.formats.format import Placeholder, Tagged
from gateway.formats.markers import core
from gateway.grammar.bare_string import ANY_TEXT, NOTHING, Bare, without
from gateway.grammar.expressions import EMPTY, choice, sequence
from gateway.grammar.json_schema.inline import json_rule, spaced
from gateway.grammar.lark import Lark
from gateway.schema.types import STRING, listed_parameters, parameter, types_of


class TaggedRules:
    """Adds the rules for a tool's arguments to `lark`."""

    def __init__(self, style: Tagged, lark: Lark):
        self._style = style
        self._lark = lark

    def arguments(self, tool: Tool, rule: str) -> str:
        """A part that matches the arguments of `tool`; the names of its rules begin with `rule`."""
        properties, required = listed_parameters(tool.parameters)
        written = []
        for i, key in enumerate(dict.fromkeys([*properties, *required])):
            if properties.get(key) is False or not self._is_written(key):
                continue
            name = f"{rule}_{i}"
            values = [*self._values(parameter(tool.parameters, key), name)]
            self._lark.rules[name] = self._argument(key, values)
            if between := self._style.separator:
                # The separator may begin as the text after the last argument does.
                self._lark.rules[f"{name}_next"] = self._argument(key, values, between)
            written.append((name, key in required))
        return self._in_order(written, rule)

    def _in_order(self, written: list[tuple[str, bool]], rule: str) -> str:
        """The arguments in their order, with separators between them."""
        if not self._style.separator:
            return " ".join(n if needed else f"{n}?" for n, needed in written) or EMPTY
        rest, first = EMPTY, EMPTY
        for i, (name, needed) in reversed([*enumerate(written)]):
            after, start = f"{rule}_after_{i}", f"{rule}_from_{i}"
            self._lark.rules |= {after: rest, start: first}
            rest = f"{name}_next {after}" if needed else f"{name}_next? {after}"
            first = f"{name} {after}" if needed else f"({name} {after} | {start})"
        return first

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

    def _values(self, schema: Object, rule: str) -> Iterator[tuple[str, str]]:
        """Parts that match a value, each after the text that the format has for its type."""
        wrapped = self._style.wrap[1] if self._style.wrap else ""
        bare = Bare(schema, rule.upper(), wrapped + core(self._close))
        text, others = bare.expression(schema), types_of(schema) - STRING
        self._lark.rules |= bare.rules
        if self._style.types:
            yield from self._typed(schema, rule, text, others)
            return
        mixed = bool(others) and text not in (None, ANY_TEXT)
        if text is not None:
            # Text with a bracket first would be parsed as JSON.
            text += r" & ~/[\[{](?s:.*)/" if mixed else ""
            yield from (("", way) for way in self._texts(text, rule.upper()))
        if text is None or mixed:
            only: Object = {**schema, "type": [*sorted(others)]}
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
        for type in sorted(others):
            by_name.setdefault(names.get(type, names["number"]), []).append(type)
        for i, (name, types) in enumerate(by_name.items()):
            yield name, self._json({**schema, "type": types}, f"{rule}_json_{i}")

    def _json(self, schema: Object, rule: str) -> str:
        self._lark.rules[rule] = json_rule(spaced(schema))
        return sequence(rule, self._lark.literal(self._close))
