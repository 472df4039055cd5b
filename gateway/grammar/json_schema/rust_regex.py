"""Regular expressions of JSON Schema (ECMA-262), translated to those that llguidance reads.

llguidance has the syntax of Rust's `regex`, without anchors in the middle.

Source: https://docs.rs/regex/latest/regex/#syntax
"""

from __future__ import annotations

from gateway.schema.regex import PIECE, longest_repetition

# llguidance writes out in one step what is forced: 10,000 characters in 20 ms.
MAX_REPETITION = 10_000

# Escapes that both know; of a letter that is not among them Rust makes an error.
_LETTERS = frozenset("dDwWsSnrtfvxupP")
_RESERVED = frozenset(r"\.+*?()|[]{}^$-&~#")


def spelled(pattern: str) -> str | None:
    """`pattern` in the dialect of Rust; None if it can't be said there.

    >>> spelled(r"^[[&]{x\\/$")
    '^[\\\\[\\\\&]\\\\{x/$'
    >>> spelled("(?!a)b")
    """
    if longest_repetition(pattern) > MAX_REPETITION:
        return None
    result: list[str] = []
    opened = -1  # where a class of characters began
    for match in PIECE.finditer(pattern):
        piece = match.group()
        if piece.startswith("\\"):
            escape = _escape(piece, in_class=opened >= 0)
            if escape is None:
                return None
            piece = escape
        elif opened >= 0:
            if piece == "]" and len(result) - opened <= 1 + (result[-1] == "^"):
                return None  # empty: nobody means it, and Rust reads on
            opened = -1 if piece == "]" else opened
            piece = "".join(f"\\{c}" if c in "[&~" else c for c in piece)
        elif piece == "[":
            opened = len(result)
        elif piece in ("(", "{") and pattern.startswith("(?", match.start()):
            return None  # a look around, or a group of a kind that Rust doesn't have
        elif piece in ("{", "}"):
            piece = f"\\{piece}"
        result.append(piece)
    return None if opened >= 0 else "".join(result)


def _escape(piece: str, *, in_class: bool) -> str | None:
    letter = piece[1:2]
    if letter == "0":
        return r"\x00"
    if letter.isalnum():
        return piece if letter in _LETTERS else None
    return piece if letter in _RESERVED else letter
