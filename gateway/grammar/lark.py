"""Writes the rules of a grammar in llguidance's dialect of Lark.

A marker that is a special token of the model's vocabulary is written as its id, `<[5]>`; any other
is quoted. A model may also write the marker as ordinary tokens, so text before a call ends at
either spelling.

Source: https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import takewhile

from gateway.grammar.bare_string import containing, quote
from gateway.grammar.expressions import sequence


class Lark:
    """The rules of one grammar; `special` are the vocabulary's special tokens, text to id."""

    def __init__(self, special: Mapping[str, int]):
        self.rules: dict[str, str] = {"TEXT": "/(?s:.*)/"}
        self._special = special

    def text(self, start: str) -> str:
        """The whole grammar, whose first rule is `start`."""
        return "\n".join([f"start: {start}", *(f"{n}: {body}" for n, body in self.rules.items())])

    def literal(self, marker: str) -> str:
        """A part that matches `marker` alone; "" if that is empty."""
        return " ".join(map(self._token, self.pieces(marker)))

    def until(self, rule: str, marker: str, without: Sequence[str] = (), text: str = "TEXT") -> str:
        """A part that matches text up to `marker`, and `marker` in either spelling.

        The text is of the terminal `text` and contains none of `without`.
        """
        first, *rest = self.pieces(marker)
        if without:
            any_text, text = text, f"{rule.upper()}_TEXT"
            self.rules[text] = f"{any_text} & ~({' | '.join(map(containing, without))})"
        self.rules[f"{rule}[lazy]"] = f"{text} {quote(first)}"
        part = f"({rule} | {text} {self._token(first)})" if first in self._special else rule
        return " ".join([part, *map(self._token, rest)])

    def closed(self, rule: str, text: str, close: str) -> str:
        """A part that matches text of the terminal `text` up to the marker `close`, and that."""
        core = close.strip()
        # One lexeme is the text with what closes it, up to a special token.
        plain = close[: close.index(core)]
        plain += "".join(takewhile(lambda piece: piece not in self._special, self.pieces(core)))
        self.rules[f"{rule}_TEXT"] = f"({text}) & ~{containing(core)}"
        self.rules[f"{rule}_BARE"] = f"{rule}_TEXT {quote(plain)}" if plain else f"{rule}_TEXT"
        return sequence(f"{rule}_BARE", self.literal(close.removeprefix(plain)))

    def _token(self, piece: str) -> str:
        return f"<[{self._special[piece]}]>" if piece in self._special else quote(piece)

    def pieces(self, marker: str) -> list[str]:
        """`marker` in pieces: each special token, and the text between them."""
        return [piece for piece in self._specials.split(marker) if piece]

    @cached_property
    def _specials(self) -> re.Pattern[str]:
        longest_first = sorted(map(re.escape, self._special), key=len, reverse=True)
        return re.compile(f"({'|'.join(longest_first) or '(?!)'})")
