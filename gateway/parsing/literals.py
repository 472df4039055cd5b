"""Reads arguments that are literals of the family's own, such as Python's or Gemma's."""

from __future__ import annotations

import json
import re

from gateway.formats.format import Literals
from gateway.formats.literals import UNSAFE, key_mark
from gateway.parsing.cursor import Malformed, Move, Pieces, joined
from gateway.parsing.window import Window


class LiteralsReader:
    """Reads arguments as they stream; `done` once what comes next can't be one of them.

    White space is forgiven around any mark, and so are a comma before a closing bracket, a key
    in quotes, JSON's own constants and strings, and tuples; `strict` forgives none of it.
    """

    def __init__(self, style: Literals, *, strict: bool = False):
        self.done = False
        self._style = style
        self._window = Window(strict=strict)
        self._constants = dict(zip(style.constants, _CONSTANTS, strict=True))
        if not strict:
            self._constants |= dict(zip(_CONSTANTS, _CONSTANTS, strict=True))
        self._steps = self._arguments()

    def feed(self, text: str, closed: bool = False) -> tuple[str, int]:
        """The JSON that `text` adds, and how many characters of it need not come again.

        `text` begins with what the last call left over.
        """
        return self._window.feed(self._steps, text)

    def _arguments(self) -> Pieces:
        """One loop for all, so that a value costs the same however deep it stands."""
        yield "{"
        open, gap = [_END], ""  # what closes each value that has begun, the outermost first
        while open:
            yield from self._window.skip_space()
            if (yield from self._ends(open[-1], gap)):
                yield self._close(open)
            else:
                yield gap
                if open[-1] in (_END, "}"):
                    yield from self._key(within=len(open) > 1)
                if closed := (yield from self._bracket()):
                    open.append(closed)
                    yield "{" if closed == "}" else "["
                    gap = ""
                    continue
                yield from self._scalar()
            while open and not (yield from self._passes(self._style.separator)):
                if len(open) > 1 and (yield from self._window.peek()) != open[-1]:
                    raise self._window.wrong(f"{self._style.separator!r} or {open[-1]!r}")
                yield self._close(open)
            gap = ", "
        self.done = True

    def _ends(self, closed: str, gap: str) -> Move[bool]:
        """Say whether, where a value may begin, a bracket closes instead."""
        if gap and self._window.strict:
            return False
        return (yield from self._window.peek()) in closed

    def _close(self, open: list[str]) -> str:
        closed = open.pop()
        if closed == _END:
            return "}"
        self._window.take(1)
        return "}" if closed == "}" else "]"

    def _bracket(self) -> Move[str]:
        """Pass an opening bracket, if there is one; return what will close it."""
        closed = _BRACKETS.get((yield from self._window.peek()), "")
        if closed == ")" and self._window.strict:
            return ""
        self._window.take(len(closed))
        return closed

    # -- keys and values

    def _key(self, *, within: bool) -> Pieces:
        mark = key_mark(self._style.pair if within else self._style.argument)
        is_quoted, strict = within and self._style.has_quoted_keys, self._window.strict
        quotes = None
        if is_quoted or not strict:
            quotes = yield from self._quotes()
        if quotes:
            yield from self._string(*quotes)
        elif is_quoted and strict:
            raise self._window.wrong("a key in quotes")
        else:
            yield _dump((yield from self._bare_key(mark)))
        if not (yield from self._passes(mark)):
            raise self._window.wrong(repr(mark))
        yield ": "
        yield from self._window.skip_space()

    def _bare_key(self, mark: str) -> Move[str]:
        if self._window.strict:
            return (yield from joined(self._checked(self._window.before(mark))))
        return (yield from joined(self._checked(self._window.before(mark.strip())))).rstrip()

    def _checked(self, pieces: Pieces) -> Pieces:
        for piece in pieces:
            if piece and (wrong := _NOT_BARE[self._style.has_escapes].search(piece)):
                raise Malformed(f"expected a key, found {wrong[0]!r}")
            yield piece

    def _scalar(self) -> Pieces:
        if quotes := (yield from self._quotes()):
            yield from self._string(*quotes)
        else:
            yield self._literal((yield from joined(self._window.matching(_WORD))))

    def _literal(self, word: str) -> str:
        """A number or a constant, as JSON has it."""
        if word in self._constants:
            return self._constants[word]
        number = _NUMBER.fullmatch(word)
        if not number or (self._window.strict and not _JSON_NUMBER.fullmatch(word)):
            raise Malformed(f"expected a value, found {word[:20]!r}")
        sign, whole, fraction, exponent = number.groups(default="")
        return f"{sign}{whole or '0'}{'.' + fraction if fraction else ''}{exponent}"

    def _passes(self, mark: str) -> Move[bool]:
        if self._window.strict:
            return (yield from self._window.passes(mark))
        yield from self._window.skip_space()
        return (yield from self._window.passes(mark.strip()))

    # -- strings

    def _quotes(self) -> Move[tuple[str, bool] | None]:
        """Pass what opens a string, if it comes; return what closes it, and if it has escapes."""
        opened, closed = self._style.quotes
        if (yield from self._window.passes(opened)):
            return closed, self._style.has_escapes
        for quote in () if self._window.strict else _QUOTES:
            if (yield from self._window.passes(quote)):
                return quote, True
        return None

    def _string(self, closed: str, has_escapes: bool) -> Pieces:
        stops = (closed, "\\") if has_escapes else (closed,)
        yield '"'
        while True:
            for piece in self._window.before(*stops):
                if piece and has_escapes and self._window.strict and UNSAFE.search(piece):
                    raise Malformed(f"expected an escape, found {piece[:20]!r}")
                yield piece and _inside_quotes(piece)
            if (yield from self._window.passes(closed)):
                break
            yield from self._escape()
        yield '"'

    def _escape(self) -> Pieces:
        window = self._window
        while _CUT_ESCAPE.fullmatch(window.text, window.at):
            yield None
        found = _ESCAPE.match(window.text, window.at)
        assert found
        window.take(len(found[0]))
        if found.lastindex:
            yield _character(int(found[found.lastindex], 8 if found[4] else 16))
        else:
            # As in Python, a backslash that means nothing stands for itself.
            yield _inside_quotes(_MEANINGS.get(found[0][1], found[0]))


def _character(code: int) -> str:
    """One character as it stands in a JSON string."""
    if code > 0x10FFFF:
        raise Malformed(f"expected a character, found the number {code:#x}")
    # Two halves of a pair become one character where the JSON is read.
    is_half = 0xD800 <= code <= 0xDFFF
    return f"\\u{code:04x}" if is_half else _inside_quotes(chr(code))


def _dump(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _inside_quotes(text: str) -> str:
    return _dump(text)[1:-1]


_END = "}])"  # what may end the arguments; it belongs to the call
_BRACKETS = {"{": "}", "[": "]", "(": ")"}
_QUOTES = ("'", '"')
_CONSTANTS = ("true", "false", "null")
_NOT_BARE = (re.compile(r"[{}\[\]\n]"), re.compile(r"[{}\[\]()'\",\n]"))
_WORD = re.compile(r"[^\s,\]})]*")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBER = re.compile(r"(?:\+|(-))?(?=\.?[0-9])(0|[1-9][0-9]*)?(?:\.([0-9]*))?([eE][+-]?[0-9]+)?")
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(?s:.))"
)
_CUT_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-7]{1,2})?")
_MEANINGS = dict(zip("\n\\'\"nrtabfv", ["", *"\\'\"\n\r\t\a\b\f\v"], strict=True))
