"""Regular expressions of JSON Schema: translated for llguidance, and what they cost.

JSON Schema's patterns are ECMA-262's; llguidance reads those of Rust's `regex` without anchors
in the middle.

Source: https://docs.rs/regex/latest/regex/#syntax
"""

from __future__ import annotations

import re

# llguidance writes out in one step what is forced: 10,000 characters in 20 ms.
MAX_REPETITION = 10_000
MAX_DIGITS = 9  # of a repetition: a longer number is too large
UNICODE_CLASS_COST = 50  # a class such as `\p{L}` compiles as slowly as so many characters

_PIECE = re.compile(
    r"(?s)\\u\{[^}]*\}|\\[pP]\{[^}]*\}|\\."  # an escape
    r"|\{(?P<least>\d+)(?P<most>,\d*)?\}|[*+?]"  # a quantifier
    r"|\(\?(?:P?<(?=[A-Za-z_])|:|[a-z]+[:)])|\("  # a group
    r"|."
)
# Escapes that both know; of a letter that is not among them Rust makes an error.
_LETTERS = frozenset("dDwWsSnrtfvxupP")
_UNICODE_CLASS = re.compile(r"\\[pP]")
_BACKTRACKING = re.compile(r"\(\?[^:]|\\[1-9k]")
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


def compile_cost(pattern: str) -> int:
    r"""Roughly how many microseconds it takes to compile `pattern` with Rust's `regex`.

    >>> compile_cost("^[a-z]+$"), compile_cost("a{1000}"), compile_cost(r"\p{L}{10}")
    (8, 7000, 590)
    """
    classes = len(_UNICODE_CLASS.findall(pattern))
    return (len(pattern) + UNICODE_CLASS_COST * classes) * longest_repetition(pattern)


def may_backtrack(pattern: str) -> bool:
    """Whether `pattern` has a construct that no automaton matches in linear time."""
    return _BACKTRACKING.search(pattern) is not None


def longest_repetition(pattern: str) -> int:
    """How often the most repeated part of `pattern` is repeated, at most `MAX_REPETITION` + 1.

    >>> longest_repetition("a{1000}b"), longest_repetition("(a{10}){20}")
    (1000, 200)
    >>> longest_repetition("(a{1000}){1000}"), longest_repetition("a{1000000}")
    (10001, 10001)
    """
    open_groups: list[int] = [1]
    longest = last = 1
    for match in _PIECE.finditer(pattern):
        piece = match.group()
        if match["least"]:
            last = min(last * _times(match), MAX_REPETITION + 1)
            open_groups[-1] = max(open_groups[-1], last)
        elif piece.startswith("("):
            open_groups.append(1)
        elif piece == ")" and len(open_groups) > 1:
            last = open_groups.pop()
            open_groups[-1] = max(open_groups[-1], last)
        elif piece not in ("*", "+", "?"):
            last = 1
        longest = max(longest, last)
    return longest


def _times(match: re.Match[str]) -> int:
    most = (match["most"] or "").strip(",")
    times = most or match["least"]
    return int(times) if len(times) <= MAX_DIGITS else MAX_REPETITION + 1


def _escape(piece: str, *, in_class: bool) -> str | None:
    letter = piece[1:2]
    if letter == "0":
        return r"\x00"
    if letter.isalnum():
        return piece if letter in _LETTERS else None
    return piece if letter in _RESERVED else letter
