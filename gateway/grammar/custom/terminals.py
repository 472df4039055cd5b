"""Writes parts of a tool's grammar as terminals, in the notation of a family's strings."""

from __future__ import annotations

from functools import cached_property

from gateway.grammar.bare_string import in_slashes, quote
from gateway.grammar.custom.escaped_regex import Escapes, escaped_regex, escaped_text
from gateway.grammar.custom.lark_nodes import (
    Both,
    Choice,
    Definitions,
    Literal,
    Name,
    Node,
    Not,
    Regex,
    Repeated,
    Sequence,
    in_regex,
)
from gateway.grammar.expressions import EMPTY, choice, sequence, times

ANY = "/(?s:.*)/"
ANY_MORE = "/(?s:.+)/"


class Terminals:
    """Adds terminals to `rules`, whose names begin with `prefix`.

    Raises LarkSyntaxError for a regex that can't be written with `escapes`.
    """

    def __init__(
        self, definitions: Definitions, rules: dict[str, str], prefix: str, escapes: Escapes
    ):
        self._definitions = definitions
        self._rules = rules
        self._prefix = prefix
        self._escapes = escapes

    def part(self, node: Node) -> str:
        """A part of a terminal that matches `node`; rules in it must not be recursive."""
        match node:
            case Literal(text, ignores_case=False):
                return quote(escaped_text(text, self._escapes)) if text else EMPTY
            case Literal(text):
                return self._regex(in_regex(text), "i")
            case Regex(pattern, flags):
                return self._regex(pattern, flags)
            case Name():
                return self._defined(node)
            case Sequence(parts):
                return sequence(*map(self.part, parts)) or EMPTY
            case Choice(ways):
                return choice(map(self.part, ways))
            case Repeated(part, least, most):
                return times(f"({self.part(part)})", least, most) or EMPTY
            case Both(parts):
                return f"({' & '.join(f'({self.part(part)})' for part in parts)})"
            case Not(part):
                return f"({self._any} & ~({self.part(part)}))"

    def woven(self, node: Node) -> Node:
        """A part of a rule, with what the grammar ignores after each terminal."""
        if not self.skipped:
            return node
        match node:
            case Sequence(parts):
                return Sequence(tuple(map(self.woven, parts)))
            case Choice(ways):
                return Choice(tuple(map(self.woven, ways)))
            case Repeated(part, least, most):
                return Repeated(self.woven(part), least, most)
            case Name(name, is_terminal=False) if name not in self._definitions.lazy:
                return node
        return Sequence((node, self.skipped))

    @cached_property
    def skipped(self) -> Node | None:
        """What the grammar ignores, any number of times."""
        ignored = self._definitions.ignored
        return Repeated(Choice(tuple(ignored)), 0, None) if ignored else None

    @cached_property
    def _any(self) -> str:
        return self._regex("(?s:.*)", "")

    def _defined(self, node: Name) -> str:
        name = f"{self._prefix}_{node.name.upper()}{'' if node.is_terminal else '_RULE'}"
        if name not in self._rules:
            self._rules[name] = ""  # its place is before what refers to it
            body = self._definitions.bodies[node.name]
            is_lazy = node.name in self._definitions.lazy
            written = self.part(body if is_lazy or node.is_terminal else self.woven(body))
            if is_lazy:  # as short as possible: no part from its start on matches
                written = f"({written}) & ~(({written}) {ANY_MORE})"
            self._rules[name] = written
        return name

    def _regex(self, pattern: str, flags: str) -> str:
        if self._escapes:
            pattern, flags = escaped_regex(pattern, flags, self._escapes), ""
        return f"/{in_slashes(pattern)}/{flags}"
