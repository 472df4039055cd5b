"""A pattern as a schema's author wrote it -> as llguidance reads it, and what it costs to match.

JSON Schema's patterns are ECMA-262's, llguidance reads those of Rust's `regex` without anchors
in the middle, and what is checked afterwards is matched by Python's `re`.

Source: https://docs.rs/regex/latest/regex/#syntax
"""

from __future__ import annotations

import re

_PIECE = re.compile(
    r"(?s)\\u\{[^}]*\}|\\[pP]\{[^}]*\}|\\."  # an escape
    r"|\{(?P<least>\d+)(?P<most>,\d*)?\}|[*+?]"  # a quantifier
    r"|\(\?(?:P?<(?=[A-Za-z_])|:|[a-z]+[:)])|\("  # a group
    r"|."
)
# Escapes that both know; of a letter that is not among them Rust makes an error.
_LETTERS = frozenset("dDwWsSnrtfvxupP")
_RESERVED = frozenset(r"\.+*?()|[]{}^$-&~#")


def spelled(pattern: str) -> str | None:
    """`pattern` in the dialect of Rust; None if it can't be said there.

    >>> spelled(r"^[[&]{x\\/$")
    '^[\\\\[\\\\&]\\\\{x/$'
    >>> spelled("(?!a)b")
    """
    result: list[str] = []
    opened = -1  # where a class of characters began
    for match in _PIECE.finditer(pattern):
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


def is_cheap(pattern: str, characters: int) -> bool:
    """Whether a matcher that tries all ways is done with so many `characters` in little time.

    >>> is_cheap("^[a-z]+-[0-9]+$", 1000), is_cheap("^(a+)+$", 30)
    (True, False)
    """
    ways = 1 if pattern.startswith("^") else 1 + characters  # looked for from each place on
    inside: list[bool] = [False]  # by open group: whether it can be matched in several ways
    closed, in_class = False, False
    for match in _PIECE.finditer(pattern):
        piece = match.group()
        if in_class:
            in_class = piece != "]"
            continue
        in_class = piece == "["
        repeats = piece in ("*", "+") or (match["most"] is not None and match["most"] != ",1")
        if (repeats or match["least"]) and closed:
            return False
        if repeats:
            ways *= 1 + characters
        inside[-1] = inside[-1] or repeats or piece in ("|", "?")
        closed = False
        if piece.startswith("("):
            inside.append(False)
        elif piece == ")" and len(inside) > 1:
            closed = inside.pop()
            inside[-1] = inside[-1] or closed
    return ways <= 10_000_000


def _escape(piece: str, *, in_class: bool) -> str | None:
    letter = piece[1:2]
    if letter == "0":
        return r"\x00"
    if letter.isalnum():
        return piece if letter in _LETTERS else None
    return piece if letter in _RESERVED else letter
