"""Follows an answer through passages between marks, such as thoughts. Pure."""

from __future__ import annotations

from collections.abc import Iterable


class Passages:
    """The passages at the start of one answer, fed token by token.

    A passage begins with one of `opens`, at the start or where an earlier one ended, and ends with
    one of `closes`; white space before them is ignored. `is_open` says whether the answer is in
    one, `is_over` that no further one can begin.
    """

    def __init__(self, opens: Iterable[str], closes: Iterable[str], *, is_open: bool):
        self._opens = [mark.encode() for mark in opens]
        self._closes = [mark.encode() for mark in closes]
        self._max_close_length = max(map(len, self._closes), default=0)
        self._text = b""  # what may still be part of a mark
        self.is_open = is_open
        self.is_over = False

    @property
    def max_close_length(self) -> int:
        """The length in bytes of the longest mark that ends a passage."""
        return self._max_close_length

    @property
    def ends_within_mark(self) -> bool:
        """Whether the text may end with the first part of a mark that ends a passage."""
        return any(
            self._text.endswith(mark[:length])
            for mark in self._closes
            for length in range(1, len(mark))
        )

    def feed(self, token: bytes) -> None:
        """Add the bytes of one token."""
        if self.is_over:
            return
        self._text += token
        if self.is_open:
            self._find_end()
        else:
            self._find_start()

    def _find_start(self) -> None:
        text = self._text.lstrip()
        for mark in self._opens:
            if text.startswith(mark):
                self._text, self.is_open = text.removeprefix(mark), True
                return
        self.is_over = not any(mark.startswith(text) for mark in self._opens)

    def _find_end(self) -> None:
        ends = [at + len(mark) for mark in self._closes if (at := self._text.find(mark)) >= 0]
        if ends:
            self._text, self.is_open = self._text[min(ends) :], False
            self._find_start()
        else:
            self._text = self._text[-self._max_close_length :]
