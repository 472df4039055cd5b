"""Enforces the thinking budget: says when a passage of the answer has to be interrupted. Pure."""

from __future__ import annotations

from gateway.engine.generation import Interruption


class ThinkingWatch:
    """Follows one answer, token by token, through the passages of an `Interruption`.

    A model that has started to write a closing mark may complete it, within the length of the
    longest mark.
    """

    def __init__(self, interruption: Interruption):
        self._opens = [mark.encode() for mark in interruption.opens]
        self._closes = [mark.encode() for mark in interruption.closes]
        self._max_mark_length = max(map(len, self._closes))
        self._left = interruption.max_tokens
        self._is_open = interruption.is_open
        self._is_over = False
        self._text = b""  # what may still be part of a mark

    def feed(self, token: bytes) -> None:
        """Add the bytes of one token."""
        if self._is_over:
            return
        self._text += token
        if self._is_open:
            self._find_end()
        else:
            self._find_start()

    @property
    def is_due(self) -> bool:
        """Whether to interrupt now."""
        if not self._is_open or self._left > 0:
            return False
        return not self._ends_within_mark or self._left <= -self._max_mark_length

    def _find_start(self) -> None:
        text = self._text.lstrip()
        for mark in self._opens:
            if text.startswith(mark):
                self._text, self._is_open = text.removeprefix(mark), True
                return
        self._is_over = not any(mark.startswith(text) for mark in self._opens)

    def _find_end(self) -> None:
        ends = [at + len(mark) for mark in self._closes if (at := self._text.find(mark)) >= 0]
        if ends:
            self._text, self._is_open = self._text[min(ends) :], False
            self._find_start()
        else:
            self._text = self._text[-self._max_mark_length :]
            self._left -= 1

    @property
    def _ends_within_mark(self) -> bool:
        return any(
            self._text.endswith(mark[:length])
            for mark in self._closes
            for length in range(1, len(mark))
        )
