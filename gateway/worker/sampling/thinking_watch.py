"""Which passage of an answer is open, and whether it has been for too long. Pure: it only looks."""

from __future__ import annotations

from gateway.engine.generation import Interruption


class Watch:
    """Follows an answer, token by token, for what interrupts it.

    Where the model has begun to write what closes the passage, it may go on; but not for ever.
    """

    def __init__(self, asked: Interruption):
        self._opens = [mark.encode() for mark in asked.opens]
        self._closes = [mark.encode() for mark in asked.closes]
        self._longest = max(map(len, self._closes))
        self._left = asked.max_tokens
        self._is_open = asked.is_open
        self._is_over = False
        self._text = b""  # what may still be a part of a mark

    def feed(self, token: bytes) -> None:
        """Take note of one more token."""
        if self._is_over:
            return
        self._text += token
        if self._is_open:
            self._look_for_end()
        else:
            self._look_for_start()

    @property
    def is_due(self) -> bool:
        """Whether it is time to interrupt."""
        if not self._is_open or self._left > 0:
            return False
        return not self._is_amid_a_mark or self._left <= -self._longest

    def _look_for_start(self) -> None:
        text = self._text.lstrip()
        for mark in self._opens:
            if text.startswith(mark):
                self._text, self._is_open = text.removeprefix(mark), True
                return
        self._is_over = not any(mark.startswith(text) for mark in self._opens)

    def _look_for_end(self) -> None:
        found = [at + len(mark) for mark in self._closes if (at := self._text.find(mark)) >= 0]
        if found:
            self._text, self._is_open = self._text[min(found) :], False
            self._look_for_start()
        else:
            self._text = self._text[-self._longest :]
            self._left -= 1

    @property
    def _is_amid_a_mark(self) -> bool:
        return any(
            self._text.endswith(mark[:length])
            for mark in self._closes
            for length in range(1, len(mark))
        )
