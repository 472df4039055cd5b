"""Tagged arguments, as a model may write them: Lark rules from a tool's JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gateway.chat.json import Json, Object
from gateway.chat.messages import Tool
from gateway.formats.format import Placeholder, Tagged
from gateway.formats.markers import core
from gateway.grammar.bare_string import ANY_TEXT, Bare, without
from gateway.grammar.json_schema.inline import held
from gateway.grammar.lark import Lark, either, joined
from gateway.schema.types import STRING, listed, parameter, types_of


class TaggedRules:
    """Adds to `lark` what may stand for the arguments of a tool."""

    def __init__(self, style: Tagged, lark: Lark):
        self._style = style
        self._lark = lark

    def arguments(self, tool: Tool, rule: str) -> str:
        properties, required = listed(tool.parameters)
        written = []
        for i, key in enumerate(dict.fromkeys([*properties, *required])):
            if properties.get(key) is False or not self._is_written(key):
                continue
            name = f"{rule}_{i}"
            values = [*self._values(parameter(tool.parameters, key), name)]
            self._lark.rules[name] = self._argument(key, values)
            if between := self._style.separator:
                # What parts two arguments may begin as what follows the last one does.
                self._lark.rules[f"{name}_next"] = self._argument(key, values, between)
            written.append((name, key in required))
        return self._in_order(written, rule)

    def _in_order(self, written: list[tuple[str, bool]], rule: str) -> str:
        """The arguments one after the other, parted by what parts them."""
        if not self._style.separator:
            return " ".join(n if needed else f"{n}?" for n, needed in written) or '""'
        rest, first = '""', '""'
        for i, (name, needed) in reversed([*enumerate(written)]):
            self._lark.rules[f"{rule}_after_{i}"], self._lark.rules[f"{rule}_from_{i}"] = (
                rest,
                first,
            )
            after, start = f"{rule}_after_{i}", f"{rule}_from_{i}"
            rest = f"{name}_next {after}" if needed else f"{name}_next? {after}"
            first = f"{name} {after}" if needed else f"({name} {after} | {start})"
        return first

    def _is_written(self, key: str) -> bool:
        """Whether `key` would be read back; one that would not is left out."""
        parts = self._style.parts
        end = str(parts[parts.index(Placeholder.KEY) + 1]).split()[0]
        return end not in self._style.escaped(key) and "\n" not in key

    def _argument(self, key: str, values: list[tuple[str, str]], before: str = "") -> str:
        ways = [self._way(before, key, said, value) for said, value in values]
        return either(ways) if ways else "/(?!)/"

    def _way(self, before: str, key: str, said: str, value: str) -> str:
        """An argument whose value is `value`, the mark that closes it included."""
        fill = {Placeholder.KEY: self._style.escaped(key), Placeholder.TYPE: said}
        opening = self._style.parts[: self._style.parts.index(Placeholder.VALUE)]
        opened = "".join(fill[part] if isinstance(part, Placeholder) else part for part in opening)
        return joined(self._lark.literal(before + opened), value)

    @property
    def _close(self) -> str:
        """The mark that closes a value, and all that follows it."""
        parts = self._style.parts
        return "".join(map(str, parts[parts.index(Placeholder.VALUE) + 1 :]))

    def _values(self, schema: Object, rule: str) -> Iterator[tuple[str, str]]:
        """What may be said of the type of a value, and the value."""
        wrapped = self._style.wrap[1] if self._style.wrap else ""
        bare = Bare(schema, rule.upper(), wrapped + core(self._close))
        text, others = bare.expression(schema), types_of(schema) - STRING
        self._lark.rules |= bare.rules
        if self._style.types:
            yield from self._told(schema, rule, text, others)
            return
        mixed = bool(others) and text not in (None, ANY_TEXT)
        if text is not None:
            # Else it would be read as this from the first brace.
            text += r" & ~/[\[{](?s:.*)/" if mixed else ""
            yield from (("", way) for way in self._texts(text, rule.upper()))
        if text is None or mixed:
            only: Object = {**schema, "type": [*sorted(others)]}
            yield "", self._json(only if text else schema, f"{rule}_json")

    def _texts(self, text: str, rule: str) -> Iterator[str]:
        """Text as it is, and between the marks that wrap what can't stand so."""
        if self._style.wrap:
            opened, closed = self._style.wrap
            wrapped = self._lark.closed(f"{rule}_WRAPPED", text, closed + self._close)
            yield joined(self._lark.literal(opened), wrapped)
            text = f"({text}) & {without(self._style.wrap_if_any)}"
        yield self._lark.closed(rule, text, self._close)

    def _told(
        self, schema: Object, rule: str, text: str | None, others: frozenset[str]
    ) -> Iterator[tuple[str, str]]:
        """Where the type is said, text is never taken for something else."""
        types = self._style.types
        if text is not None:
            yield types["string"], self._lark.closed(rule.upper(), text, self._close)
        said: dict[str, list[Json]] = {}
        for type in sorted(others):
            said.setdefault(types.get(type, types["number"]), []).append(type)
        for i, (told, names) in enumerate(said.items()):
            yield told, self._json({**schema, "type": names}, f"{rule}_json_{i}")

    def _json(self, schema: Object, rule: str) -> str:
        self._lark.rules[rule] = "%json " + json.dumps(held(schema), ensure_ascii=False)
        return joined(rule, self._lark.literal(self._close))
