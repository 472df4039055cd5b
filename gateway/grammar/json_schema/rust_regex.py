"""Translates the regular expressions of JSON Schema (ECMA-262) to the syntax of llguidance.

That is the syntax of Rust's `regex`, without anchors in the middle.

Source: https://docs.rs/regex/latest/regex/#syntax
"""

from __future__ import annotations

from gateway.grammar.json_schema.supported import MAX_REPETITION
from gateway.schema.regex import PIECE, longest_repetition

# The escapes that both have; Rust rejects other letters after a backslash.
_LETTERS = frozenset("nrtfvxupP")
# The classes that ECMA-262 and Rust understand differently, by what they have in them.
_SPACES = (
    r"\t\n\x0B\x0C\r \xA0\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}"
)
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": _SPACES}
_RESERVED = frozenset(r"\.+*?()|[]{}^$-&~#")


def to_rust(pattern: str) -> str | None:
    """`pattern` in the syntax of Rust's `regex`; None if it has no equivalent there.

    >>> to_rust(r"^[[&]{x\\/$")
    '^[\\\\[\\\\&]\\\\{x/$'
    >>> to_rust("(?!a)b")
    """
    if longest_repetition(pattern) > MAX_REPETITION:
        return None
    result: list[str] = []
    opened = -1  # index in `result` of the `[` of an open character class
    for match in PIECE.finditer(pattern):
        piece = match.group()
        if piece.startswith("\\"):
            escape = _escape(piece, in_class=opened >= 0)
            if escape is None:
                return None
            piece = escape
        elif opened >= 0:
            if piece == "]" and len(result) - opened <= 1 + (result[-1] == "^"):
                return None  # an empty class; Rust would read the `]` as its first character
            opened = -1 if piece == "]" else opened
            piece = "".join(f"\\{c}" if c in "[&~" else c for c in piece)
        elif piece == "[":
            opened = len(result)
        elif piece in ("(", "{") and pattern.startswith("(?", match.start()):
            return None  # a lookaround, or a group that Rust doesn't have
        elif piece in ("{", "}"):
            piece = f"\\{piece}"
        result.append(piece)
    return None if opened >= 0 else "".join(result)


def _escape(piece: str, *, in_class: bool) -> str | None:
    letter = piece[1:2]
    if inside := _CLASSES.get(letter.lower()):
        return f"[{'^' * letter.isupper()}{inside}]"
    if letter == "0":
        return r"\x00"
    if letter.isalnum():
        return piece if letter in _LETTERS else None
    return piece if letter in _RESERVED else letter
