"""A prompt as one text, in which control tokens are text too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

BREAK = "\u200b"  # it is not seen, and no tokenizer joins what stands around it


class Spelling:
    """Writes prompts for a vocabulary of which only the control tokens' texts are known."""

    def __init__(self, special: Mapping[str, int]):
        self._texts = {id: text for text, id in special.items()}
        longest_first = sorted(map(re.escape, special), key=len, reverse=True)
        # Each may begin within another.
        self._marks = re.compile(f"(?=({'|'.join(longest_first) or '(?!)'}))")
        self._longest = max(map(len, special), default=1)

    def text(self, prompt: Iterable[str | int]) -> str:
        """`prompt`, with a break wherever text would else make a control token.

        Raises KeyError for the id of a token whose text is not known.
        """
        written = ""
        tail = ""
        for part in prompt:
            piece = self._texts[part] if isinstance(part, int) else self._apart(part)
            broken = BREAK if self._joins(tail, piece[: self._longest]) else ""
            written += broken + piece
            tail = (tail + broken + piece)[-self._longest :]
        return written

    def _apart(self, text: str) -> str:
        for mark in reversed([*self._marks.finditer(text)]):
            second = mark.start() + 1
            text = text[:second] + BREAK + text[second:]
        return text

    def _joins(self, tail: str, piece: str) -> bool:
        edge = len(tail)
        found = self._marks.finditer(tail + piece)
        return any(mark.start() < edge < mark.start() + len(mark.group(1)) for mark in found)
