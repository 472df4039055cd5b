"""Says where a number in an answer has as many digits as any number needs. Pure.

A grammar admits any digit after a digit, and a small model may go on with them to the end of the
context. llguidance writes the grammar of numbers in JSON itself, without a limit.
"""

from __future__ import annotations

import re
from math import isfinite

MAX_INTEGER_DIGITS = 20  # 2**64 has as many
MAX_SIGNIFICANT_DIGITS = 17  # of a fraction: as many as a double has
MAX_DECIMALS = 25
MAX_EXPONENT_DIGITS = 3
LONG = 12  # characters of a number that the next token may make too long

_NUMBER = re.compile(rb"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]*)?")
_AT_END = re.compile(_NUMBER.pattern + rb"\Z")
_QUOTES = b"\"'"


class NumberLimit:
    """Follows the text of an answer; `piece` is the next part of it.

    >>> limit = NumberLimit()
    >>> limit.feed(b"3." + b"3" * 15)
    >>> limit.is_exceeded_by(b"3"), limit.is_exceeded_by(b"33"), limit.is_exceeded_by(b", 33")
    (False, True, False)
    """

    def __init__(self) -> None:
        self._number = b""  # which the text so far ends with
        self._before = b""  # the character before it

    @property
    def is_near(self) -> bool:
        """Whether a token may exceed the limit here."""
        return len(self._number) >= LONG or b"e" in self._number.lower()

    def feed(self, piece: bytes) -> None:
        text = self._before + self._number + piece
        found = _AT_END.search(text)
        self._number = found[0] if found else b""
        self._before = text[: len(text) - len(self._number)][-1:]

    def is_exceeded_by(self, piece: bytes) -> bool:
        """Whether `piece` makes the number that the text ends with longer than it has to be."""
        if not self._number or (self._before and self._before in _QUOTES):
            return False
        found = _NUMBER.match(self._number + piece)
        assert found
        return len(found[0]) > len(self._number) and _is_too_long(found[0])


def _is_too_long(number: bytes) -> bool:
    mantissa, _, exponent = number.lower().partition(b"e")
    whole, point, decimals = mantissa.lstrip(b"-").partition(b".")
    digits = exponent.lstrip(b"+-")
    if digits:
        return len(digits) > MAX_EXPONENT_DIGITS or not isfinite(float(number))
    if point:
        significant = (whole + decimals).lstrip(b"0")
        return len(significant) > MAX_SIGNIFICANT_DIGITS or len(decimals) > MAX_DECIMALS
    return len(whole) > MAX_INTEGER_DIGITS
