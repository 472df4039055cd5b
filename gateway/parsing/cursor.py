"""A place in text that is still arriving, and the few moves that every decoder is made of.

Each move is a generator: `yield None` asks for more text. Whatever a move can decide it decides
at once and never looks at again, so the work per character is constant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Protocol, TypeVar

from gateway.chat.events import Event
from gateway.formats.markers import any_of, core, differing, overlap, words

T = TypeVar("T")
Move = Generator[None, None, T]
Pieces = Generator[str | None, None, None]

MOST_SPACE = 256  # characters of white space that a mark can claim


class Malformed(ValueError):
    """The text is not what the format says, from `passed` characters on."""

    passed = 0


class Truncated(ValueError):
    """The text was cut off where the format goes on."""


class Reader(Protocol):
    """Turns a notation into JSON; `done` at the first text that is not its own."""

    done: bool

    def feed(self, text: str, closed: bool = False) -> tuple[str, int]:
        """The JSON of what `text` begins with, and how many characters that took."""


class Cursor:
    def __init__(self, strict: bool = False):
        self._text = ""
        self._strict = strict
        self._closed = False
        self._complete = True
        self._passed: list[str] = []
        self._bookmarks = 0

    def add(self, text: str) -> None:
        self._text += text

    def close(self, complete: bool) -> None:
        self._closed = True
        self._complete = complete

    # -- going back

    def bookmark(self) -> int:
        """Remember this place; what is passed from here on can be had again until `release`."""
        self._bookmarks += 1
        return len(self._passed)

    def release(self) -> None:
        """Forget the latest bookmark."""
        self._bookmarks -= 1
        if not self._bookmarks:
            self._passed.clear()

    def since(self, bookmark: int) -> str:
        """What was passed since `bookmark`."""
        return "".join(self._passed[bookmark:])

    def rewind(self, bookmark: int) -> int:
        """Go back to `bookmark`; return how far that is."""
        passed = self.since(bookmark)
        del self._passed[bookmark:]
        self._text = passed + self._text
        return len(passed)

    # -- looking ahead

    def comes(self, marks: tuple[str, ...]) -> Move[str]:
        """The longest of `marks` that comes next, white space aside; "" if none does."""
        while True:
            ahead = self._text.lstrip()
            if len(self._text) - len(ahead) > MOST_SPACE:
                return ""
            longer = (mark.startswith(ahead) for mark in marks if len(mark) > len(ahead))
            if self._closed or not any(longer):
                met = (mark for mark in marks if mark and ahead.startswith(mark))
                return max(met, key=len, default="")
            yield None

    def is_cut_amid(self, marks: tuple[str, ...]) -> bool:
        """Whether the text was cut off within one of `marks`, white space before it aside."""
        ahead = self._text.lstrip()
        is_cut = self._closed and not self._complete and bool(ahead)
        return is_cut and any(mark != ahead and mark.startswith(ahead) for mark in marks)

    def starts_with(self, mark: str) -> Move[bool]:
        """Pass `mark`, and white space before it, if it comes next."""
        if not mark or (yield from self.comes((mark,))) != mark:
            return False
        self.take(self._text.index(mark) + len(mark))
        return True

    def ended(self) -> bool:
        """Nothing but white space is left, and the turn was ended, not cut off."""
        return self._closed and self._complete and not self._text.strip()

    def at_end(self) -> Move[bool]:
        return not (yield from self.peek())

    # -- passing marks

    def skip_space(self) -> Move[str]:
        """Pass white space, as much as a mark can claim, and return it."""
        space = ""
        while len(space) < MOST_SPACE:
            ahead = len(self._text) - len(self._text.lstrip())
            space += self.take(min(ahead, MOST_SPACE - len(space)))
            if self._text or self._closed:
                break
            yield None
        return space

    def expect(self, mark: str, *, then_bare: bool = False, needed: int = 0) -> Move[None]:
        """Pass `mark`, forgiving any white space but what borders a bare value.

        A finished turn may end in the midst of it, once `needed` characters are there.
        """
        if self._strict:
            yield from self._expect_exactly(mark, needed)
            return
        tail, start = len(mark) - len(mark.rstrip()), 0
        for word in words(mark):
            yield from self.skip_space()
            start = mark.index(word, start)
            yield from self._expect_exactly(word, max(0, needed - start))
        if not then_bare:
            yield from self.skip_space() if tail else ()
            return
        for space in mark[len(mark) - tail :]:
            if (yield from self.peek()) == space:
                self.take(1)

    def _expect_exactly(self, mark: str, needed: int) -> Move[None]:
        while not self._text.startswith(mark):
            if not mark.startswith(self._text):
                raise Malformed(f"expected {mark!r}, found {differing(self._text, mark)!r}")
            if self._closed:
                if not self._complete:
                    raise Truncated(f"ends where {mark!r} is due")
                if self._strict or len(self._text) < needed:
                    raise Malformed(f"ends where {mark!r} is due")
                self.take_rest()
                return
            yield None
        self.take(len(mark))

    # -- reading what stands between marks

    def until(
        self, marks: tuple[str, ...], speak: Callable[[str], Event]
    ) -> Generator[Event | None, None, str]:
        """Speak the text before the first of `marks`, and return that mark; "" for the end.

        White space that borders a mark belongs to the mark, so it waits until what follows it
        is known, and is left standing with the mark.
        """
        while True:
            met = any_of(marks).search(self._text)
            if met and not self._may_be_longer(met, marks):
                if end := self._said(met.start()):
                    yield speak(self.take(end))
                return met.group()
            end = len(self._text)
            if marks and not self._closed:
                end = self._said(end - overlap(self._text, marks))
            if end:
                yield speak(self.take(end))
            if self._closed:
                return ""
            yield None

    def _may_be_longer(self, met: re.Match[str], marks: tuple[str, ...]) -> bool:
        """Whether the mark that was met could turn out to be the start of another."""
        ahead = self._text[met.start() :]
        return not self._closed and any(
            len(mark) > len(ahead) and mark.startswith(ahead) for mark in marks
        )

    def _said(self, end: int) -> int:
        """Where the text before `end` ends, its last white space aside."""
        return max(len(self._text[:end].rstrip()), end - MOST_SPACE)

    def name(self, after: str) -> Move[str]:
        """Pass a name that `after` follows; what can't be one is known at its first character."""
        first = after if self._strict else next(iter(words(after)), "")
        while True:
            name = _NAME.match(self._text).group()  # type: ignore[union-attr]
            ahead = self._text[len(name) :]
            ahead = ahead if self._strict else ahead.lstrip()
            if name and (ahead.startswith(first) if first else ahead):
                return self.take(len(name))
            if ahead and not first.startswith(ahead):
                found = name + differing(ahead, first)
                raise Malformed(f"expected a name and {first!r}, found {found!r}")
            if self._closed:
                if name and not first and self._complete:
                    return self.take(len(name))
                raise self.cut_short(f"ends before {first!r}")
            yield None

    def bare_until(
        self, mark: str, then: tuple[str, ...] = (), breaks: tuple[str, ...] = ()
    ) -> Pieces:
        """Read up to `mark`, or to one of `breaks`, without passing it, in pieces.

        If one of `then` has to follow the mark, a mark that nothing of it follows is text.
        """
        end = self._core(mark)
        lead = "" if self._strict else mark[: len(mark) - len(mark.lstrip())]
        held = (end, *breaks, *(lead + mark for mark in (end, *breaks) if lead))
        start = 0  # no mark that counts begins before here
        while True:
            met = any_of((end, *breaks)).search(self._text, start)
            follows = self._followed(met, end, then) if met else False
            if met and follows:
                break
            if met and follows is False:
                start = met.start() + 1
                continue
            if self._closed:
                raise self.cut_short(f"ends before {end!r}")
            said = len(self._text) - overlap(self._text, held)
            if not met and said:
                yield self.take(said)
                start = max(0, start - said)
            yield None
        at = met.start()
        if said := len(self._text[:at].removesuffix(lead)):
            yield self.take(said)

    def _followed(self, met: re.Match[str], end: str, then: tuple[str, ...]) -> bool | None:
        """Whether one of `then` follows `end`, white space aside; None if not yet known."""
        ahead = self._text[met.end() :].lstrip()
        if not then or met.group() != end or any(ahead.startswith(mark) for mark in then):
            return True
        if not any(mark.startswith(ahead) for mark in then):
            return False
        return True if self._closed else None

    def read_until(self, mark: str) -> Move[str]:
        return (yield from joined(self.bare_until(mark)))

    def json_string(self) -> Move[str]:
        """Pass one JSON string, as it is written."""
        while not (met := _STRING.match(self._text)):
            if self._closed:
                raise self.cut_short("ends inside a string")
            yield None
        return self.take(met.end())

    def converted(self, reader: Reader) -> Pieces:
        """What `reader` makes of the text, up to where it is done."""
        while True:
            try:
                converted, length = reader.feed(self._text, self._closed)
            except Malformed as error:
                self.take(error.passed)
                raise
            self.take(length)
            if converted:
                yield converted
            if reader.done:
                return
            if self._closed:
                raise self.cut_short("ends inside its arguments")
            yield None

    def _core(self, mark: str) -> str:
        return mark if self._strict else core(mark)

    def cut_short(self, why: str) -> Malformed | Truncated:
        return Malformed(why) if self._complete else Truncated(why)

    # -- the moves below all others

    def take_rest(self) -> str:
        return self.take(len(self._text))

    def peek(self) -> Move[str]:
        """The next character, "" at the end."""
        while not self._text and not self._closed:
            yield None
        return self._text[:1]

    def take(self, length: int) -> str:
        taken, self._text = self._text[:length], self._text[length:]
        if self._bookmarks and taken:
            self._passed.append(taken)
        return taken


def joined(pieces: Pieces) -> Move[str]:
    """All that is read, in one."""
    text = []
    for piece in pieces:
        if piece is None:
            yield None
        else:
            text.append(piece)
    return "".join(text)


_NAME = re.compile(r"[a-zA-Z0-9_.-]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
