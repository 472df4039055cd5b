"""Fixed text -> llguidance's dialect of Lark.

A mark that is one token of the model's vocabulary can only be named as such, `<[5]>`; any other
stands quoted. A model may spell a mark's text in plain letters too, so what opens a call is
watched for in both spellings.

Source: https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import takewhile

from gateway.grammar.bare_string import containing, quote


class Lark:
    """The rules of one grammar; `special` are the vocabulary's special tokens, text to id."""

    def __init__(self, special: Mapping[str, int]):
        self.rules: dict[str, str] = {"TEXT": "/(?s:.*)/"}
        self._special = special

    def text(self, start: str) -> str:
        return "\n".join([f"start: {start}", *(f"{n}: {body}" for n, body in self.rules.items())])

    def literal(self, mark: str) -> str:
        """`mark`, and nothing else; "" if it is empty."""
        return " ".join(map(self._spelled, self._cut(mark)))

    def until(self, rule: str, mark: str, without: Sequence[str] = ()) -> str:
        """Any text up to `mark`, but `without` those, and `mark`, in either spelling."""
        first, *rest = self._cut(mark)
        text = "TEXT"
        if without:
            text = f"{rule.upper()}_TEXT"
            self.rules[text] = f"TEXT & ~({' | '.join(map(containing, without))})"
        self.rules[f"{rule}[lazy]"] = f"{text} {quote(first)}"
        either = f"({rule} | {text} {self._spelled(first)})" if first in self._special else rule
        return " ".join([either, *map(self._spelled, rest)])

    def closed(self, rule: str, text: str, close: str) -> str:
        """Text that the terminal `text` admits, up to `close`, and `close`."""
        core = close.strip()
        # One terminal holds the text and what closes it, up to a special token.
        taken = close[: close.index(core)]
        taken += "".join(takewhile(lambda piece: piece not in self._special, self._cut(core)))
        self.rules[f"{rule}_TEXT"] = f"({text}) & ~{containing(core)}"
        self.rules[f"{rule}_BARE"] = f"{rule}_TEXT {quote(taken)}" if taken else f"{rule}_TEXT"
        return joined(f"{rule}_BARE", self.literal(close.removeprefix(taken)))

    def _spelled(self, piece: str) -> str:
        return f"<[{self._special[piece]}]>" if piece in self._special else quote(piece)

    def _cut(self, mark: str) -> list[str]:
        """`mark` in pieces, each special token one of its own."""
        return [piece for piece in self._specials.split(mark) if piece]

    @cached_property
    def _specials(self) -> re.Pattern[str]:
        longest_first = sorted(map(re.escape, self._special), key=len, reverse=True)
        return re.compile(f"({'|'.join(longest_first) or '(?!)'})")


def joined(*parts: str) -> str:
    return " ".join(filter(None, parts))


def either(ways: Iterable[str]) -> str:
    """One of `ways`; an empty one is the empty text."""
    return f"({' | '.join(way or chr(34) * 2 for way in ways)})"
