"""A place in text that is still arriving, and the few moves that every decoder is made of.

Each move is a generator: `yield None` asks for more text. Whatever a move can decide it decides
at once and never looks at again, so the work per character is constant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import TypeVar

from gateway.turns import Event

T = TypeVar("T")
Move = Generator[None, None, T]
Pieces = Generator[str | None, None, None]

MOST_SPACE = 256  # characters of white space that a mark can claim


class Malformed(ValueError):
    """The text is not what the format says."""


class Truncated(ValueError):
    """The text was cut off where the format goes on."""


class Cursor:
    def __init__(self, strict: bool = False):
        self._text = ""
        self._strict = strict
        self._closed = False
        self._complete = True
        self._passed: list[str] | None = None

    def add(self, text: str) -> None:
        self._text += text

    def close(self, complete: bool) -> None:
        self._closed = True
        self._complete = complete

    # -- remembering what was passed, in case it has to be given back

    def remember(self, passed: str) -> None:
        """Keep what is passed from here on; `passed` was just before."""
        self._passed = [passed]

    def forget(self) -> None:
        self._passed = None

    def recall(self) -> str:
        """What was passed since `remember`."""
        passed, self._passed = "".join(self._passed or ()), None
        return passed

    # -- looking ahead

    def comes(self, mark: str) -> Move[bool]:
        """Say whether `mark` comes next, white space aside."""
        while True:
            ahead = self._text.lstrip()
            if len(self._text) - len(ahead) > MOST_SPACE:
                return False
            if ahead.startswith(mark):
                return True
            if self._closed or not mark.startswith(ahead):
                return False
            yield None

    def starts_with(self, mark: str) -> Move[str]:
        """Pass `mark`, and white space before it, if it comes next; return what was passed."""
        if not (yield from self.comes(mark)):
            return ""
        return self._take(self._text.index(mark) + len(mark))

    def ended(self) -> bool:
        """Nothing but white space is left, and the turn was ended, not cut off."""
        return self._closed and self._complete and not self._text.strip()

    # -- passing marks

    def skip_space(self, most: int = MOST_SPACE) -> Move[None]:
        while most:
            space = len(self._text) - len(self._text.lstrip())
            most -= len(self._take(min(space, most)))
            if self._text or self._closed:
                return
            yield None

    def expect(self, mark: str, *, then_bare: bool = False) -> Move[None]:
        """Pass `mark`, forgiving any white space but what borders a bare value."""
        if self._strict:
            yield from self._expect_exactly(mark)
            return
        tail = len(mark) - len(mark.rstrip())
        for word in mark.split():
            yield from self.skip_space()
            yield from self._expect_exactly(word)
        if not then_bare:
            yield from self.skip_space() if tail else ()
            return
        for space in mark[len(mark) - tail :]:
            if (yield from self.peek()) == space:
                self._take(1)

    def _expect_exactly(self, mark: str) -> Move[None]:
        while not self._text.startswith(mark):
            if not mark.startswith(self._text):
                raise Malformed(f"expected {mark!r}, found {self._text[:20]!r}")
            if self._closed:
                self._end_early(f"ends where {mark!r} is due")
                self.take_rest()
                return
            yield None
        self._take(len(mark))

    def _end_early(self, why: str) -> None:
        """A finished turn may lack its last marks; nothing else may."""
        if not self._complete:
            raise Truncated(why)
        if self._strict:
            raise Malformed(why)

    # -- reading what stands between marks

    def until(
        self, marks: tuple[str, ...], speak: Callable[[str], Event]
    ) -> Generator[Event | None, None, str]:
        """Speak the text before the first of `marks`, pass and return the mark, "" for the end.

        White space that borders a mark belongs to the mark, so it waits until what follows it
        is known, and is returned with the mark.
        """
        while True:
            at, met = min(
                ((self._text.find(mark), mark) for mark in marks if mark in self._text),
                default=(-1, ""),
            )
            if met:
                if end := self._said(at):
                    yield speak(self._take(end))
                return self._take(at - end + len(met))
            end = len(self._text)
            if marks and not self._closed:
                end = self._said(end - max(_overlap(self._text, mark) for mark in marks))
            if end:
                yield speak(self._take(end))
            if self._closed:
                return ""
            yield None

    def _said(self, end: int) -> int:
        """Where the text before `end` ends, its last white space aside."""
        return max(len(self._text[:end].rstrip()), end - MOST_SPACE)

    def name_before(self, mark: str) -> Move[str]:
        """Pass a name, up to `mark`; what can't be a name is known at its first character."""
        core = self._core(mark)
        while True:
            name = _NAME.match(self._text).group()  # type: ignore[union-attr]
            ahead = self._text[len(name) :]
            if name and ahead.startswith(core):
                return self._take(len(name))
            if not core.startswith(ahead):
                raise Malformed(f"expected a name and {core!r}, found {self._text[:20]!r}")
            if self._closed:
                raise self._cut_short(f"ends before {core!r}")
            yield None

    def bare_until(self, mark: str) -> Pieces:
        """Read up to `mark`, without passing it, in pieces."""
        core = self._core(mark)
        lead = "" if self._strict else mark[: len(mark) - len(mark.lstrip())]
        while core not in self._text:
            if self._closed:
                raise self._cut_short(f"ends before {core!r}")
            held = max(_overlap(self._text, core), _overlap(self._text, lead + core))
            if len(self._text) > held:
                yield self._take(len(self._text) - held)
            yield None
        if said := self._text[: self._text.index(core)].removesuffix(lead):
            yield self._take(len(said))

    def read_until(self, mark: str) -> Move[str]:
        return (yield from joined(self.bare_until(mark)))

    def json_object(self) -> Pieces:
        """Read one JSON object, in pieces, up to the brace that closes it."""
        if (yield from self.peek()) != "{":
            raise Malformed(f"expected a JSON object, found {self._text[:20]!r}")
        yield from self.bracketed()

    def bracketed(self) -> Pieces:
        """Read a JSON object or array, in pieces; a bracket in a string is text."""
        depth, quoted, escaped = 0, False, False
        while True:
            at = 0
            while at < len(self._text):
                if escaped:
                    escaped = False
                elif quoted:
                    at = _find(_QUOTED_STOP, self._text, at)
                    escaped = self._text[at : at + 1] == "\\"
                    quoted = self._text[at : at + 1] != '"'
                else:
                    at = _find(_PLAIN_STOP, self._text, at)
                    char = self._text[at : at + 1]
                    quoted = char == '"'
                    depth += (char in "{[" and char != "") - (char in "}]" and char != "")
                    if char and not depth:
                        yield self._take(at + 1)
                        return
                at += 1
            if self._text:
                yield self._take(len(self._text))
            if self._closed:
                raise self._cut_short("ends inside its arguments")
            yield None

    def _core(self, mark: str) -> str:
        """What of `mark` ends a value: all of it, or its first word, the rest being forgiven."""
        return mark if self._strict else mark.split()[0]

    def _cut_short(self, why: str) -> Malformed | Truncated:
        return Malformed(why) if self._complete else Truncated(why)

    # -- the moves below all others

    def take_rest(self) -> None:
        self._take(len(self._text))

    def peek(self) -> Move[str]:
        """The next character, "" at the end."""
        while not self._text and not self._closed:
            yield None
        return self._text[:1]

    def _take(self, length: int) -> str:
        taken, self._text = self._text[:length], self._text[length:]
        if self._passed is not None and taken:
            self._passed.append(taken)
        return taken


_NAME = re.compile(r"[a-zA-Z0-9_.-]*")
_QUOTED_STOP = re.compile(r'["\\]')
_PLAIN_STOP = re.compile(r'["{}\[\]]')


def joined(pieces: Pieces) -> Move[str]:
    """All that is read, in one."""
    text = []
    for piece in pieces:
        if piece is None:
            yield None
        else:
            text.append(piece)
    return "".join(text)


def _find(stop: re.Pattern[str], text: str, start: int) -> int:
    found = stop.search(text, start)
    return found.start() if found else len(text)


def _overlap(text: str, mark: str) -> int:
    """How much of the end of `text` might be the start of `mark`."""
    longest = min(len(text), len(mark) - 1)
    return next((n for n in range(longest, 0, -1) if mark.startswith(text[-n:])), 0)
