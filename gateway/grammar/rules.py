"""Rules of a grammar in the making, in llguidance's dialect of Lark, and how to join them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from gateway.chat.json import Object
from gateway.grammar.bare_string import quote
from gateway.grammar.json_schema.inline import held


class Rules:
    """Names for whatever a rule refers to; what is the same has one name."""

    def __init__(self, prefix: str):
        self.bodies: dict[str, str] = {}
        self._prefix = prefix
        self._names: dict[str, str] = {}

    def rule(self, body: str) -> str:
        return self._named(body, self._prefix)

    def terminal(self, body: str) -> str:
        return self._named(body, self._prefix.upper())

    def recursive(self, key: str, body: Callable[[], str]) -> str:
        """The rule for `key`; `body` may ask for it again."""
        if key not in self._names:
            self._names[key] = name = f"{self._prefix}_{len(self._names)}"
            self.bodies[name] = body()
        return self._names[key]

    def _named(self, body: str, prefix: str) -> str:
        if body not in self._names:
            self._names[body] = name = f"{prefix}_{len(self._names)}"
            self.bodies[name] = body
        return self._names[body]

    def closed(self, text: str, close: str) -> str:
        """Text, a terminal, and the mark that closes it, spelled."""
        # One terminal holds the text and what closes it, up to a special token.
        plain = _QUOTED.match(close)
        taken = plain[0] if plain else '""'
        held = self.terminal(f"{self.terminal(text)} {taken}")
        return joined([held, close[len(taken) if plain else 0 :].strip()])


_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def joined(pieces: Iterable[str]) -> str:
    return " ".join(piece for piece in pieces if piece)


def either(choices: Iterable[str]) -> str:
    return f"({' | '.join(dict.fromkeys(choices))})"


def times(one: str, least: int, most: int | None) -> str:
    """`one`, from `least` to `most` times; None stands for any number."""
    if most is None:
        return f"{one}{{{least},}}" if least else f"{one}*"
    return f"{one}{{{least},{most}}}" if most else ""


def as_json(schema: Object) -> str:
    return "%json " + json.dumps(held(schema), ensure_ascii=False)


def but(terminal: str, listed: Iterable[str]) -> str:
    """What `terminal` admits, but for the texts that are `listed`."""
    texts = " | ".join(map(quote, listed))
    return f"({terminal}) & ~({texts})" if texts else terminal
