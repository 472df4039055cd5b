"""Parses arguments that are literals in a family's own notation, such as Python's or Gemma's."""

from __future__ import annotations

import json
import re

from gateway.formats.format import Literals
from gateway.formats.literals import UNSAFE, key_marker
from gateway.parsing.exact_scanner import ExactScanner
from gateway.parsing.moves import Malformed, Move, Pieces, joined


class LiteralsReader:
    """Parses arguments into JSON text, up to text that can't be one of them.

    Unless the scanner is `strict`, it accepts white space around any marker, a comma before a
    closing bracket, no comma at all, a key in quotes, tuples, and the constants and strings of
    JSON and Python.
    """

    def __init__(self, scanner: ExactScanner, style: Literals):
        self._scanner = scanner
        self._style = style
        self._constants = dict(zip(style.constants, _CONSTANTS, strict=True))
        if not scanner.strict:
            for constants in (_CONSTANTS, _PYTHON_CONSTANTS):
                self._constants |= dict(zip(constants, _CONSTANTS, strict=True))

    def arguments(self) -> Pieces:
        """Yields JSON text. It is one loop, so that a value costs the same at any depth."""
        yield "{"
        closing, separator = [_END], ""  # what closes each open value, the outermost first
        while closing:
            yield from self._scanner.skip_space()
            if (yield from self._is_closed(closing[-1], separator)):
                yield self._close(closing)
            else:
                yield separator
                if closing[-1] in (_END, "}"):
                    yield from self._key(is_nested=len(closing) > 1)
                if bracket := (yield from self._bracket()):
                    closing.append(bracket)
                    yield "{" if bracket == "}" else "["
                    separator = ""
                    continue
                yield from self._scalar()
            while closing and not (yield from self._separated()):
                if len(closing) > 1 and (yield from self._scanner.peek()) != closing[-1]:
                    wanted = f"{self._style.separator!r} or {closing[-1]!r}"
                    raise self._scanner.unexpected(wanted)
                yield self._close(closing)
            separator = ", "

    def _separated(self) -> Move[bool]:
        """Consumes a separator; in front of a key or a value it may be missing."""
        if (yield from self._accept(self._style.separator)):
            return True
        next = yield from self._scanner.peek()
        return not self._scanner.strict and (next.isalnum() or next in _QUOTES or next == "_")

    def _is_closed(self, bracket: str, separator: str) -> Move[bool]:
        """Whether `bracket` comes next, in place of a value."""
        if separator and self._scanner.strict:
            return False
        return (yield from self._scanner.peek()) in bracket

    def _close(self, closing: list[str]) -> str:
        """Consumes the innermost closing bracket; returns the one that JSON has."""
        bracket = closing.pop()
        if bracket == _END:
            return "}"
        self._scanner.take(1)
        return "}" if bracket == "}" else "]"

    def _bracket(self) -> Move[str]:
        """Consumes an opening bracket, if any; returns the bracket that will close it."""
        closing = _BRACKETS.get((yield from self._scanner.peek()), "")
        if closing == ")" and self._scanner.strict:
            return ""
        self._scanner.take(len(closing))
        return closing

    # -- keys and values

    def _key(self, *, is_nested: bool) -> Pieces:
        marker = key_marker(self._style.pair if is_nested else self._style.argument)
        is_quoted, strict = is_nested and self._style.has_quoted_keys, self._scanner.strict
        quotes = None
        if is_quoted or not strict:
            quotes = yield from self._quotes()
        if quotes:
            yield from self._string(*quotes)
        elif is_quoted and strict:
            raise self._scanner.unexpected("a key in quotes")
        else:
            yield _dump((yield from self._raw_key(marker)))
        if not (yield from self._accept(marker)):
            raise self._scanner.unexpected(repr(marker))
        yield ": "
        yield from self._scanner.skip_space()

    def _raw_key(self, marker: str) -> Move[str]:
        if self._scanner.strict:
            return (yield from joined(self._checked(self._scanner.before(marker))))
        return (yield from joined(self._checked(self._scanner.before(marker.strip())))).rstrip()

    def _checked(self, pieces: Pieces) -> Pieces:
        for piece in pieces:
            if piece and (wrong := _NOT_IN_KEY[self._style.has_escapes].search(piece)):
                raise Malformed(f"expected a key, found {wrong[0]!r}")
            yield piece

    def _scalar(self) -> Pieces:
        if quotes := (yield from self._quotes()):
            yield from self._string(*quotes)
        else:
            yield self._literal((yield from joined(self._scanner.matching(_WORD))))

    def _literal(self, word: str) -> str:
        """The JSON of a number or a constant."""
        if word in self._constants:
            return self._constants[word]
        number = _NUMBER.fullmatch(word)
        if not number or (self._scanner.strict and not _JSON_NUMBER.fullmatch(word)):
            raise Malformed(f"expected a value, found {word[:20]!r}")
        sign, whole, fraction, exponent = number.groups(default="")
        return f"{sign}{whole or '0'}{'.' + fraction if fraction else ''}{exponent}"

    def _accept(self, marker: str) -> Move[bool]:
        if self._scanner.strict:
            return (yield from self._scanner.accept(marker))
        yield from self._scanner.skip_space()
        return (yield from self._scanner.accept(marker.strip()))

    # -- strings

    def _quotes(self) -> Move[tuple[str, bool] | None]:
        """Consumes an opening quote, if any; returns the closing one, and if it has escapes."""
        opened, closed = self._style.quotes
        if (yield from self._scanner.accept(opened)):
            return closed, self._style.has_escapes
        for quote in () if self._scanner.strict else _QUOTES:
            if (yield from self._scanner.accept(quote)):
                return quote, True
        return None

    def _string(self, closed: str, has_escapes: bool) -> Pieces:
        stops = (closed, "\\") if has_escapes else (closed,)
        yield '"'
        while True:
            for piece in self._scanner.before(*stops):
                if piece and has_escapes and self._scanner.strict and UNSAFE.search(piece):
                    raise Malformed(f"expected an escape, found {piece[:20]!r}")
                yield piece and _inside_quotes(piece)
            if (yield from self._scanner.accept(closed)):
                break
            yield from self._escape()
        yield '"'

    def _escape(self) -> Pieces:
        found = yield from self._scanner.match(_ESCAPE, incomplete=_INCOMPLETE_ESCAPE)
        if found.lastindex:
            yield _character(int(found[found.lastindex], 8 if found[4] else 16))
        else:
            # As in Python, a backslash before any other character is a backslash.
            yield _inside_quotes(_MEANINGS.get(found[0][1], found[0]))


def _character(code: int) -> str:
    """The character with this number, as JSON strings have it."""
    if code > 0x10FFFF:
        raise Malformed(f"expected a character, found the number {code:#x}")
    # A JSON parser joins two surrogates to one character.
    is_surrogate = 0xD800 <= code <= 0xDFFF
    return f"\\u{code:04x}" if is_surrogate else _inside_quotes(chr(code))


def _dump(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _inside_quotes(text: str) -> str:
    return _dump(text)[1:-1]


_END = "}])"  # any of these ends the arguments, and belongs to the call
_BRACKETS = {"{": "}", "[": "]", "(": ")"}
_QUOTES = ("'", '"')
_CONSTANTS = ("true", "false", "null")
_PYTHON_CONSTANTS = ("True", "False", "None")
_NOT_IN_KEY = (re.compile(r"[{}\[\]\n]"), re.compile(r"[{}\[\]()'\",\n]"))
_WORD = re.compile(r"[^\s,\]})<]*")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBER = re.compile(r"(?:\+|(-))?(?=\.?[0-9])(0|[1-9][0-9]*)?(?:\.([0-9]*))?([eE][+-]?[0-9]+)?")
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(?s:.))"
)
_INCOMPLETE_ESCAPE = re.compile(
    r"\\(?:x[0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-7]{1,2})?"
)
_MEANINGS = dict(zip("\n\\'\"nrtabfv", ["", *"\\'\"\n\r\t\a\b\f\v"], strict=True))
