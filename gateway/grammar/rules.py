"""Named rules of a grammar that is being written, in llguidance's dialect of Lark."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.grammar.expressions import EMPTY, sequence


class Rules:
    """Names the rules and terminals of one tool; equal bodies share a name."""

    def __init__(self, prefix: str):
        self.bodies: dict[str, str] = {}
        self._prefix = prefix
        self._names: dict[str, str] = {}

    def rule(self, body: str) -> str:
        """The name of the rule with that body."""
        return self._named(body, self._prefix)

    def terminal(self, body: str) -> str:
        """The name of the terminal with that body."""
        return self._named(body, self._prefix.upper())

    def recursive(self, key: str, body: Callable[[], str]) -> str:
        """The name of the rule for `key`; `body` writes it once, and may refer to `key` again."""
        if key not in self._names:
            self._names[key] = name = f"{self._prefix}_{len(self._names)}"
            self.bodies[name] = body()
        return self._names[key]

    def closed(self, text: str, close: str) -> str:
        """A part that matches text of the terminal `text`, and `close`, a literal in Lark."""
        # One lexeme is the text with what closes it, up to a special token.
        quoted = _QUOTED.match(close)
        plain = quoted[0] if quoted else ""
        lexeme = self.terminal(f"{self.terminal(text)} {plain or EMPTY}")
        return sequence(lexeme, close.removeprefix(plain).strip())

    def _named(self, body: str, prefix: str) -> str:
        if body not in self._names:
            self._names[body] = name = f"{prefix}_{len(self._names)}"
            self.bodies[name] = body
        return self._names[body]


_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
