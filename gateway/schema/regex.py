"""A pattern as a schema's author wrote it -> as llguidance reads it, and what it costs to match.

JSON Schema's patterns are ECMA-262's, llguidance reads those of Rust's `regex` without anchors
in the middle, and what is checked afterwards is matched by Python's `re`.

Source: https://docs.rs/regex/latest/regex/#syntax
"""

from __future__ import annotations

import re
from math import inf, prod

# llguidance writes out in one step what is forced: 10,000 characters in 20 ms.
MOST_TIMES = 10_000

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
    if not is_short(pattern):
        return None
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


def cost(pattern: str, characters: int) -> float:
    """In how many ways at most a matcher that tries all of them reads so many characters.

    >>> cost("^[a-z]+-[0-9]+$", 9), cost("^(a|b)c?$", 30), cost("^(a+)+$", 30)
    (100, 4, inf)
    """
    each = 1 + characters
    sums, products = [0], [1 if pattern.startswith("^") else each]  # by open group
    closed, in_class = 1, False  # the ways of the group that has just been closed
    for match in _PIECE.finditer(pattern):
        piece = match.group()
        if in_class:
            in_class = piece != "]"
            continue
        in_class = piece == "["
        repeats = piece in ("*", "+") or (match["most"] is not None and match["most"] != ",1")
        if (repeats or match["least"]) and closed > 1:
            return inf
        if repeats or piece == "?":
            products[-1] *= each if repeats else 2
        closed = 1
        if piece.startswith("("):
            sums.append(0)
            products.append(1)
        elif piece == "|":
            sums[-1] += products[-1]
            products[-1] = 1
        elif piece == ")" and len(sums) > 1:
            closed = sums.pop() + products.pop()
            products[-1] *= closed
    return sum(sums) + prod(products)


def _times(match: re.Match[str]) -> int:
    most = (match["most"] or "").strip(",")
    return int(most or match["least"] or 1)


def is_short(pattern: str) -> bool:
    """Whether no part is said so often that a lexer would have to write it out for seconds.

    >>> is_short("a{1000}"), is_short("(a{1000}){1000}"), is_short("a{1000000}")
    (True, False, False)
    """
    open_groups: list[int] = [1]
    longest = last = 1
    for match in _PIECE.finditer(pattern):
        piece = match.group()
        if match["least"]:
            last *= _times(match)
            open_groups[-1] = max(open_groups[-1], last)
        elif piece.startswith("("):
            open_groups.append(1)
        elif piece == ")" and len(open_groups) > 1:
            last = open_groups.pop()
            open_groups[-1] = max(open_groups[-1], last)
        elif piece not in ("*", "+", "?"):
            last = 1
        longest = max(longest, last)
        if longest > MOST_TIMES:
            return False
    return True


def _escape(piece: str, *, in_class: bool) -> str | None:
    letter = piece[1:2]
    if letter == "0":
        return r"\x00"
    if letter.isalnum():
        return piece if letter in _LETTERS else None
    return piece if letter in _RESERVED else letter
