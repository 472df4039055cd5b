"""A window on text that is still arriving, for readers that are handed what they left over.

As with a `Cursor`, each move is a generator, and `yield None` asks for more text; but what has
been passed is only counted, so that whoever holds the text can see where a reader stopped.
"""

from __future__ import annotations

import re

from gateway.formats.markers import differing
from gateway.parsing.cursor import Malformed, Move, Pieces


class Window:
    """`at` is how much of `text` has been passed; `strict` lets no white space be skipped."""

    def __init__(self, *, strict: bool):
        self.text = ""
        self.at = 0
        self.strict = strict

    def feed(self, steps: Pieces, text: str) -> tuple[str, int]:
        """Take `steps` as far as `text` allows: what they read of it, and how much they passed."""
        self.text, self.at = text, 0
        read: list[str] = []
        try:
            for piece in steps:
                if piece is None:
                    break
                read.append(piece)
        except Malformed as error:
            error.passed = self.at
            raise
        return "".join(read), self.at

    def skip_space(self) -> Move[None]:
        while not self.strict:
            self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.text):
                return
            yield None

    def peek(self) -> Move[str]:
        while self.at == len(self.text):
            yield None
        return self.text[self.at]

    def comes(self, mark: str) -> Move[bool]:
        while not self.text.startswith(mark, self.at):
            if not mark.startswith(self.text[self.at : self.at + len(mark)]):
                return False
            yield None
        return True

    def passes(self, mark: str) -> Move[bool]:
        """Pass `mark`, and say whether it came."""
        came = yield from self.comes(mark)
        self.at += came * len(mark)
        return came

    def expect(self, mark: str) -> Move[None]:
        if not (yield from self.passes(mark)):
            found = differing(self.text[self.at :], mark)
            raise Malformed(f"expected {mark!r}, found {found!r}")

    def before(self, *marks: str) -> Pieces:
        """Pass all that stands before the first of `marks`, in pieces."""
        while True:
            if end := min(self._clear_of(mark) for mark in marks) - self.at:
                yield self.take(end)
            for mark in marks:
                if (yield from self.comes(mark)):
                    return
            if self.at < len(self.text):  # it only looked like a mark
                yield self.take(1)

    def matching(self, inside: re.Pattern[str]) -> Pieces:
        """Pass as many characters as `inside` matches, in pieces."""
        while True:
            found = inside.match(self.text, self.at)
            if found and found.end() > self.at:
                yield self.take(found.end() - self.at)
            if self.at < len(self.text):
                return
            yield None

    def bracketed(self) -> Pieces:
        """Pass a JSON object or array, in pieces; a bracket in a string is text."""
        depth, stops = 0, _BRACKETED
        while True:
            yield from self.matching(stops)
            char = yield from self.peek()
            yield self.take(1)
            if char == "\\" and (yield from self.peek()):
                yield self.take(1)
            elif char == '"':
                stops = _QUOTED if stops is _BRACKETED else _BRACKETED
            depth += (char in "{[") - (char in "}]")
            if not depth:
                return

    def take(self, length: int) -> str:
        taken = self.text[self.at : self.at + length]
        self.at += len(taken)
        return taken

    def wrong(self, wanted: str) -> Malformed:
        return Malformed(f"expected {wanted}, found {self.text[self.at : self.at + 1]!r}")

    def _clear_of(self, mark: str) -> int:
        """Where `mark` begins, or might begin once there is more text."""
        found = self.text.find(mark, self.at)
        if found >= 0:
            return found
        longest = min(len(self.text) - self.at, len(mark) - 1)
        held = next((n for n in range(longest, 0, -1) if self.text.endswith(mark[:n])), 0)
        return len(self.text) - held


class Bracketed:
    """Reads one JSON object or array, up to the bracket that closes it, as it is."""

    def __init__(self) -> None:
        self.done = False
        self._window = Window(strict=True)
        self._steps = self._all()

    def feed(self, text: str, closed: bool = False) -> tuple[str, int]:
        return self._window.feed(self._steps, text)

    def _all(self) -> Pieces:
        yield from self._window.bracketed()
        self.done = True


_SPACE = re.compile(r"\s*")
_BRACKETED = re.compile(r'[^"{}\[\]]*')
_QUOTED = re.compile(r'[^"\\]*')
