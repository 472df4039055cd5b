"""Writes a tool's grammar whose rules are recursive as rules.

llguidance divides text into the longest lexemes and does not back up. A lexeme that could go on
with the beginning of the marker that closes the text is therefore one lexeme with the marker.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cached_property

from gateway.grammar.bare_string import containing
from gateway.grammar.bounds import is_possible
from gateway.grammar.custom.lark_nodes import (
    START,
    Choice,
    Definitions,
    LarkSyntaxError,
    Literal,
    Name,
    Node,
    Regex,
    Repeated,
    Sequence,
)
from gateway.grammar.custom.notation import Notation
from gateway.grammar.custom.terminals import Terminals
from gateway.grammar.expressions import EMPTY, choice, sequence, times
from gateway.grammar.lark import Lark

MAX_NAMES = 200  # each terminal is compiled to see what it may contain, which takes some ms
MAX_PARTS = 200  # in a row; each may be the last one if those after it may be empty
_ESCAPE_FIRST = r"/\\(?s:.*)/"
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


class RecursiveRules:
    """Adds rules to `lark`, whose names begin with `prefix`."""

    def __init__(
        self,
        definitions: Definitions,
        terminals: Terminals,
        notation: Notation,
        lark: Lark,
        prefix: str,
    ):
        self._definitions = definitions
        self._terminals = terminals
        self._notation = notation
        self._lark = lark
        self._prefix = prefix
        self._close = lark.literal(notation.after)
        self._names: dict[Node, str] = {}
        self._closed_names: dict[Node, str] = {}

    def text(self) -> str:
        """A part that matches the text and the marker after it."""
        if not self._notation.escapes:
            return self._closed(START)
        written = self._expression(START)
        self._check_ends()
        return sequence(written, self._close)

    def _closed(self, node: Node) -> str:
        """A part that matches `node` and the closing marker."""
        match node:
            case Name(name, is_terminal=False) if name not in self._definitions.lazy:
                return self._closed_rule(node)
            case Sequence(()):
                return self._close
            case Sequence((*parts, last)):
                if len(parts) > MAX_PARTS:
                    raise LarkSyntaxError(
                        f"a recursive grammar may have {MAX_PARTS} parts in a row"
                    )
                ways = [sequence(*map(self._expression, parts), self._closed(last))]
                if _is_nullable(last, self._nullable):
                    ways.append(self._closed(Sequence(tuple(parts))))
                return choice(ways)
            case Choice(ways):
                return choice(map(self._closed, ways))
            case Repeated(part, least, most):
                earlier = Repeated(part, max(least - 1, 0), None if most is None else most - 1)
                ways = [sequence(self._expression(earlier), self._closed(part))]
                return choice(ways if least else [*ways, self._close])
            case Name(is_terminal=True) | Regex() | Literal():
                return self._closed_lexeme(self._lexeme(node))
        return sequence(self._expression(node), self._close)

    def _expression(self, node: Node) -> str:
        match node:
            case Literal("", _):
                return EMPTY
            case Name(is_terminal=True) | Regex() | Literal():
                return self._lexeme(node)
            case Name():
                return self._rule(node)
            case Sequence(parts):
                return sequence(*map(self._expression, parts)) or EMPTY
            case Choice(ways):
                return choice(map(self._expression, ways))
            case Repeated(part, least, most):
                return times(f"({self._expression(part)})", least, most) or EMPTY
        raise LarkSyntaxError("`&` and `~` are supported in terminals only")

    def _rule(self, node: Name) -> str:
        if node not in self._names:
            name = self._names[node] = f"{self._prefix}_{len(self._names)}"
            is_lazy = node.name in self._definitions.lazy
            body = self._definitions.bodies[node.name]
            written = self._expression(body if is_lazy else self._terminals.woven(body))
            self._lark.rules[f"{name}[lazy]" if is_lazy else name] = written
        return self._names[node]

    def _closed_rule(self, node: Name) -> str:
        if node not in self._closed_names:
            name = f"{self._prefix}_closed_{len(self._closed_names)}"
            self._closed_names[node] = name
            body = self._terminals.woven(self._definitions.bodies[node.name])
            self._lark.rules[name] = self._closed(body)
        return self._closed_names[node]

    # -- lexemes

    def _lexeme(self, node: Node) -> str:
        if node not in self._names:
            if len(self._names) >= MAX_NAMES:
                raise LarkSyntaxError(
                    f"a recursive grammar may have {MAX_NAMES} rules and terminals"
                )
            name = self._names[node] = f"{self._prefix.upper()}_{len(self._names)}"
            body = self._terminals.part(node)
            if excluded := self._notation.excluded:
                body = f"({body}) & ~{containing(excluded)}"
            self._lark.rules[name] = body
        return self._names[node]

    def _check_ends(self) -> None:
        """Raises LarkSyntaxError if a lexeme could go on with the escape that begins another.

        The lexer sees the next character only, which is the same for all escapes.
        """
        lexemes = [name for name in self._names.values() if name.isupper()]
        begin = {one for one in lexemes if self._is_possible(f"{one} & {_ESCAPE_FIRST}")}
        go_on = {one for one in lexemes if self._is_possible(f"{one} & ({one} {_ESCAPE_FIRST})")}
        if any(begin - {one} for one in go_on):
            raise LarkSyntaxError(
                "this model writes text with escapes, so in a recursive grammar the end of a"
                " terminal that may contain quotes, backslashes or line breaks is not clear"
            )

    def _closed_lexeme(self, lexeme: str) -> str:
        quoted = _QUOTED.match(self._close)
        can_go_on = f"{lexeme} & {containing(self._notation.after[0])}"
        if not quoted or not self._is_possible(can_go_on):
            return sequence(lexeme, self._close)
        self._lark.rules[f"{lexeme}_CLOSED"] = f"{lexeme} {quoted[0]}"
        return sequence(f"{lexeme}_CLOSED", self._close.removeprefix(quoted[0]).strip())

    def _is_possible(self, terminal: str) -> bool:
        """Whether `terminal` matches any text."""
        own = self._prefix.upper()
        bodies = [f"{n}: {body}" for n, body in self._lark.rules.items() if n.startswith(own)]
        return is_possible("\n".join(["start: FOUND", f"FOUND: {terminal}", *bodies]))

    @cached_property
    def _nullable(self) -> set[str]:
        """The rules that match the empty text."""
        found: set[str] = set()
        bodies = self._definitions.bodies
        while more := {n for n in bodies if n not in found and _is_nullable(bodies[n], found)}:
            found |= more
        return found


def _is_nullable(node: Node, rules: Set[str]) -> bool:
    """Whether `node` matches the empty text, as `rules` do."""
    match node:
        case Literal(text):
            return not text
        case Sequence(parts):
            return all(_is_nullable(part, rules) for part in parts)
        case Choice(ways):
            return any(_is_nullable(way, rules) for way in ways)
        case Repeated(part, least, _):
            return not least or _is_nullable(part, rules)
        case Name(name, is_terminal=False):
            return name in rules
    return False
