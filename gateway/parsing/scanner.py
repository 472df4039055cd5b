"""Scans markers and the text between them, and forgives white space next to markers."""

from __future__ import annotations

import re

from gateway.formats.markers import any_of, core, differing, overlap, words
from gateway.parsing.buffer import Buffer
from gateway.parsing.moves import Malformed, Move, Pieces, Steps, TextKind, Truncated, joined

MAX_SPACE = 256  # characters of white space that belong to a marker next to them


class Scanner:
    """Moves over `buffer`; if `strict`, markers have to be exactly as declared."""

    def __init__(self, buffer: Buffer, *, strict: bool = False):
        self.buffer = buffer
        self._strict = strict

    # -- what comes next

    def at_end(self) -> Move[bool]:
        return not (yield from self.buffer.peek())

    def next_marker(self, markers: tuple[str, ...]) -> Move[str]:
        """The longest of `markers` that comes next, after any white space; "" if none does."""
        buffer = self.buffer
        while True:
            start = self._after_space()
            if start - buffer.at > MAX_SPACE:
                return ""
            ahead = buffer.text[start:]
            longer = (marker.startswith(ahead) for marker in markers if len(marker) > len(ahead))
            if buffer.is_closed or not any(longer):
                found = (marker for marker in markers if marker and ahead.startswith(marker))
                return max(found, key=len, default="")
            yield None

    def is_cut_inside(self, markers: tuple[str, ...]) -> bool:
        """The text was cut off inside one of `markers`."""
        return (
            not self.buffer.is_complete
            and bool(self.buffer.ahead.strip())
            and self.is_at_end_of(markers)
        )

    def is_at_end_of(self, markers: tuple[str, ...]) -> bool:
        """The text ends before or inside one of `markers`, which do not come."""
        ahead = self.buffer.ahead.lstrip()
        return self.buffer.is_closed and any(m != ahead and m.startswith(ahead) for m in markers)

    # -- markers

    def accept(self, marker: str) -> Move[bool]:
        """Consumes `marker` and white space before it, if it comes next; says whether it does."""
        if not marker or (yield from self.next_marker((marker,))) != marker:
            return False
        self.buffer.at = self._after_space() + len(marker)
        return True

    def closing_tag(self) -> Move[str]:
        """Consumes a closing tag, if one comes next, and returns it; "" if none does."""
        buffer = self.buffer
        while not (found := _CLOSING_TAG.match(buffer.text, buffer.at)):
            if buffer.is_closed or not _INCOMPLETE_TAG.fullmatch(buffer.ahead):
                return ""
            yield None
        return buffer.take_to(found.end())

    def skip_space(self) -> Move[str]:
        """Consumes as much white space as belongs to a marker, and returns it."""
        buffer, space = self.buffer, ""
        while len(space) < MAX_SPACE:
            space += buffer.take(min(self._after_space() - buffer.at, MAX_SPACE - len(space)))
            if buffer.at < len(buffer.text) or buffer.is_closed:
                break
            yield None
        return space

    def expect(self, marker: str, *, then_raw: bool = False, needed: int = 0) -> Move[None]:
        """Consumes `marker`; its white space may differ, except before a raw value.

        A complete turn may end inside `marker`, once `needed` characters of it are there.
        """
        if self._strict:
            yield from self._expect_word(marker, needed)
            return
        tail, start = len(marker) - len(marker.rstrip()), 0
        for word in words(marker):
            yield from self.skip_space()
            start = marker.index(word, start)
            yield from self._expect_word(word, max(0, needed - start))
        if not then_raw:
            yield from self.skip_space() if tail else ()
            return
        for space in marker[len(marker) - tail :]:
            if (yield from self.buffer.peek()) == space:
                self.buffer.take(1)

    def _expect_word(self, word: str, needed: int) -> Move[None]:
        buffer = self.buffer
        while not buffer.text.startswith(word, buffer.at):
            ahead = buffer.ahead
            if not word.startswith(ahead):
                raise Malformed(f"expected {word!r}, found {differing(ahead, word)!r}")
            if buffer.is_closed:
                if not buffer.is_complete:
                    raise Truncated(f"ends where {word!r} is expected")
                if self._strict or len(ahead) < needed:
                    raise Malformed(f"ends where {word!r} is expected")
                buffer.take_rest()
                return
            yield None
        buffer.take(len(word))

    # -- text between markers

    def until(self, markers: tuple[str, ...], kind: TextKind) -> Steps[str]:
        """Emits the text before the first of `markers`; returns that marker, "" at the end.

        White space before a marker belongs to the marker: it is not consumed if a marker follows,
        and is emitted once it turns out that none does.
        """
        buffer = self.buffer
        while True:
            found = any_of(markers).search(buffer.text, buffer.at)
            if found and not self._may_be_longer(found, markers):
                if text := buffer.take_to(self._before_space(found.start())):
                    yield kind(text)
                return found.group()
            end = len(buffer.text)
            if markers and not buffer.is_closed:
                end = self._before_space(end - overlap(buffer.ahead, markers))
            if text := buffer.take_to(end):
                yield kind(text)
            if buffer.is_closed:
                return ""
            yield None

    def _may_be_longer(self, found: re.Match[str], markers: tuple[str, ...]) -> bool:
        """The marker that was found may be the start of another."""
        ahead = self.buffer.text[found.start() :]
        return not self.buffer.is_closed and any(
            len(marker) > len(ahead) and marker.startswith(ahead) for marker in markers
        )

    def name(self, after: str) -> Move[str]:
        """Consumes a name that `after` follows; other text is rejected at its first character."""
        buffer = self.buffer
        first = after if self._strict else next(iter(words(after)), "")
        if not self._strict:
            yield from self.skip_space()
        pattern = _NAME if first.startswith(":") else _NAME_IN_NAMESPACE
        while True:
            name = pattern.match(buffer.text, buffer.at).group()  # type: ignore[union-attr]
            ahead = buffer.text[buffer.at + len(name) :]
            ahead = ahead if self._strict else ahead.lstrip()
            if name and (ahead.startswith(first) if first else ahead):
                return buffer.take(len(name))
            if ahead and not first.startswith(ahead):
                found = name + differing(ahead, first)
                raise Malformed(f"expected a name and {first!r}, found {found!r}")
            if buffer.is_closed:
                if name and not first and buffer.is_complete:
                    return buffer.take(len(name))
                raise buffer.cut_short(f"ends before {first!r}")
            yield None

    def raw_until(
        self, marker: str, then: tuple[str, ...] = (), breaks: tuple[str, ...] = ()
    ) -> Pieces:
        """Consumes text up to `marker` or one of `breaks`, which are not consumed, in pieces.

        If `then` is given, a `marker` that none of it follows is text.
        """
        buffer = self.buffer
        end = marker if self._strict else core(marker)
        lead = "" if self._strict else marker[: len(marker) - len(marker.lstrip())]
        withheld = (end, *breaks, *(lead + one for one in (end, *breaks) if lead))
        pattern = any_of((end, *breaks))
        start = 0  # a marker before `buffer.at + start` is text
        while True:
            found = pattern.search(buffer.text, buffer.at + start)
            follows = self._is_followed(found, end, then) if found else False
            if found and follows:
                break
            if found and follows is False:
                start = found.start() + 1 - buffer.at
                continue
            if buffer.is_closed:
                raise buffer.cut_short(f"ends before {end!r}")
            length = len(buffer.text) - buffer.at - overlap(buffer.ahead, withheld)
            if not found and length:
                yield buffer.take(length)
                start = max(0, start - length)
            yield None
        if length := len(buffer.text[buffer.at : found.start()].removesuffix(lead)):
            yield buffer.take(length)

    def _is_followed(self, found: re.Match[str], end: str, then: tuple[str, ...]) -> bool | None:
        """Whether one of `then` follows `end`, after any white space; None if not yet known.

        Unless `strict`, `end` may come more than once.
        """
        ahead = self.buffer.text[found.end() :].lstrip()
        while not self._strict and ahead.startswith(end):
            ahead = ahead.removeprefix(end).lstrip()
        if not then or found.group() != end or any(ahead.startswith(one) for one in then):
            return True
        if not any(one.startswith(ahead) for one in (end, *then)):
            return False
        return True if self.buffer.is_closed else None

    def text_until(self, marker: str) -> Move[str]:
        return (yield from joined(self.raw_until(marker)))

    def json_string(self) -> Move[str]:
        """Consumes one JSON string, and returns it as it is written."""
        while not (found := _STRING.match(self.buffer.text, self.buffer.at)):
            if self.buffer.is_closed:
                raise self.buffer.cut_short("ends inside a string")
            yield None
        return self.buffer.take_to(found.end())

    # -- white space

    def _after_space(self) -> int:
        """Where the white space that comes next ends."""
        return _SPACE.match(self.buffer.text, self.buffer.at).end()  # type: ignore[union-attr]

    def _before_space(self, end: int) -> int:
        """Where the text before `end` ends, without the white space that belongs to a marker."""
        at = self.buffer.at
        return max(at + len(self.buffer.text[at:end].rstrip()), end - MAX_SPACE)


_NAME = re.compile(r"[a-zA-Z0-9_.-]*")
_NAME_IN_NAMESPACE = re.compile(r"[a-zA-Z0-9_.:/-]*")
_CLOSING_TAG = re.compile(r"</[\w:.-]{1,64}>")
_INCOMPLETE_TAG = re.compile(r"(<(/[\w:.-]{0,64})?)?")
_SPACE = re.compile(r"\s*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
