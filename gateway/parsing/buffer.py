"""Holds text that arrives in pieces, and how much of it has been consumed."""

from __future__ import annotations

from gateway.parsing.moves import Malformed, Move, Truncated


class Buffer:
    """Text and a position in it, which the scanners of the text share.

    `text` from `at` on has not been consumed. A parser can go back to a bookmark: text consumed
    since the earliest bookmark is kept.
    """

    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self.is_closed = False
        self.is_complete = True
        self._offset = 0  # of `text` in all text
        self._consumed: list[str] = []  # what precedes `text`, back to the earliest bookmark
        self._bookmarks = 0

    def add(self, text: str) -> None:
        if self._bookmarks and self.at:
            self._consumed.append(self.text[: self.at])
        self.text = self.text[self.at :] + text
        self._offset += self.at
        self.at = 0

    def close(self, *, complete: bool) -> None:
        """No more text will come; it is `complete` unless the model was cut off."""
        self.is_closed = True
        self.is_complete = complete

    @property
    def ahead(self) -> str:
        """The text that has not been consumed."""
        return self.text[self.at :]

    def take(self, length: int) -> str:
        start = self.at
        self.at = min(start + length, len(self.text))
        return self.text[start : self.at]

    def take_to(self, end: int) -> str:
        """Consumes `text` up to the index `end`."""
        start, self.at = self.at, end
        return self.text[start:end]

    def take_rest(self) -> str:
        return self.take_to(len(self.text))

    def peek(self) -> Move[str]:
        """The next character; "" at the end."""
        while self.at == len(self.text) and not self.is_closed:
            yield None
        return self.text[self.at : self.at + 1]

    def cut_short(self, why: str) -> Malformed | Truncated:
        """The error for text that ends too early."""
        return Malformed(why) if self.is_complete else Truncated(why)

    # -- going back

    def bookmark(self) -> int:
        """Marks this place, so that it can be returned to until `release`."""
        self._bookmarks += 1
        return self._offset + self.at

    def release(self) -> None:
        """Drops the latest bookmark."""
        self._bookmarks -= 1
        if not self._bookmarks:
            self._consumed.clear()

    def since(self, bookmark: int) -> str:
        """The text consumed since `bookmark`."""
        pieces, start = [self.text[: self.at]], self._offset
        for piece in reversed(self._consumed):
            if start <= bookmark:
                break
            pieces.append(piece)
            start -= len(piece)
        return "".join(reversed(pieces))[bookmark - start :]

    def rewind(self, bookmark: int) -> int:
        """Goes back to `bookmark`; returns how many characters that is."""
        consumed = self._offset + self.at - bookmark
        pieces = [self.text]
        while self._offset > bookmark:
            pieces.append(self._consumed.pop())
            self._offset -= len(pieces[-1])
        self.text = "".join(reversed(pieces))
        self.at = bookmark - self._offset
        return consumed
