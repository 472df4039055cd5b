"""Scans arguments whose notation has to be as declared, such as JSON or Python literals."""

from __future__ import annotations

import re

from gateway.formats.markers import any_of, differing, overlap
from gateway.parsing.buffer import Buffer
from gateway.parsing.moves import Malformed, Move, Pieces


class ExactScanner:
    """Moves over `buffer`; if `strict`, no white space is skipped.

    A move waits for more text even at the end of the text; `arguments` raises for it there.
    """

    def __init__(self, buffer: Buffer, *, strict: bool):
        self.strict = strict
        self._buffer = buffer

    def arguments(self, pieces: Pieces) -> Pieces:
        """`pieces`, joined as far as the text allows; raises if the text ends inside them."""
        found: list[str] = []
        for piece in pieces:
            if piece is not None:
                found.append(piece)
                continue
            if found:
                yield "".join(found)
                found.clear()
            if self._buffer.is_closed:
                raise self._buffer.cut_short("ends inside its arguments")
            yield None
        if found:
            yield "".join(found)

    # -- what comes next

    def peek(self) -> Move[str]:
        """The next character."""
        while self._buffer.at == len(self._buffer.text):
            yield None
        return self._buffer.text[self._buffer.at]

    def is_next(self, text: str) -> Move[bool]:
        buffer = self._buffer
        while not buffer.text.startswith(text, buffer.at):
            if not text.startswith(buffer.text[buffer.at : buffer.at + len(text)]):
                return False
            yield None
        return True

    # -- consuming it

    def take(self, length: int) -> str:
        return self._buffer.take(length)

    def skip_space(self) -> Move[None]:
        while not self.strict:
            self._buffer.at = _SPACE.match(self._buffer.text, self._buffer.at).end()  # type: ignore[union-attr]
            if self._buffer.at < len(self._buffer.text):
                return
            yield None

    def accept(self, text: str) -> Move[bool]:
        """Consumes `text`, if it comes next; says whether it does."""
        is_next = yield from self.is_next(text)
        self._buffer.at += is_next * len(text)
        return is_next

    def expect(self, text: str) -> Move[None]:
        if not (yield from self.accept(text)):
            found = differing(self._buffer.ahead, text)
            raise Malformed(f"expected {text!r}, found {found!r}")

    def before(self, *markers: str) -> Pieces:
        """Consumes the text before the first of `markers`, in pieces."""
        buffer, pattern = self._buffer, any_of(markers)
        while not (found := pattern.search(buffer.text, buffer.at)):
            if text := buffer.take_to(len(buffer.text) - overlap(buffer.ahead, markers)):
                yield text
            yield None
        if text := buffer.take_to(found.start()):
            yield text

    def matching(self, pattern: re.Pattern[str]) -> Pieces:
        """Consumes as many characters as `pattern` matches, in pieces."""
        buffer = self._buffer
        while True:
            if (found := pattern.match(buffer.text, buffer.at)) and found.end() > buffer.at:
                yield buffer.take_to(found.end())
            if buffer.at < len(buffer.text):
                return
            yield None

    def match(self, pattern: re.Pattern[str], incomplete: re.Pattern[str]) -> Move[re.Match[str]]:
        """Consumes what `pattern` matches, once `incomplete` does not match all text ahead."""
        buffer = self._buffer
        while incomplete.fullmatch(buffer.text, buffer.at):
            yield None
        found = pattern.match(buffer.text, buffer.at)
        assert found
        buffer.take_to(found.end())
        return found

    def json_container(self) -> Pieces:
        """Consumes a JSON object or array, in pieces; a bracket inside a string is text."""
        depth, stops = 0, _OUTSIDE_STRING
        while True:
            yield from self.matching(stops)
            char = yield from self.peek()
            yield self.take(1)
            if char == "\\" and (yield from self.peek()):
                yield self.take(1)
            elif char == '"':
                stops = _INSIDE_STRING if stops is _OUTSIDE_STRING else _OUTSIDE_STRING
            depth += (char in "{[") - (char in "}]")
            if not depth:
                return

    def unexpected(self, wanted: str) -> Malformed:
        return Malformed(f"expected {wanted}, found {self._buffer.ahead[:1]!r}")


_SPACE = re.compile(r"\s*")
_OUTSIDE_STRING = re.compile(r'[^"{}\[\]]*')
_INSIDE_STRING = re.compile(r'[^"\\]*')
