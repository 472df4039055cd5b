"""What regular expressions of JSON Schema (ECMA-262) cost to compile and to match."""

from __future__ import annotations

import re

MAX_REPETITION = 10_000  # that is counted
MAX_DIGITS = 9  # of a repetition: a longer number is too large
UNICODE_CLASS_COST = 3000  # a class such as `\p{L}` compiles as slowly as so many characters

PIECE = re.compile(
    r"(?s)\\u\{[^}]*\}|\\[pP]\{[^}]*\}|\\."  # an escape
    r"|\{(?P<least>\d+)(?P<most>,\d*)?\}|[*+?]"  # a quantifier
    r"|\(\?(?:P?<(?=[A-Za-z_])|:|[a-z]+[:)])|\("  # a group
    r"|."
)
_UNICODE_CLASS = re.compile(r"\\[pP]")
_BACKTRACKING = re.compile(r"\(\?[^:]|\\[1-9k]")


def compile_cost(pattern: str) -> int:
    r"""How slowly `pattern` compiles with Rust's `regex`: a character takes 0.02 to 0.07 µs.

    >>> compile_cost("^[a-z]+$"), compile_cost("a{1000}"), compile_cost(r"\p{L}{10}")
    (8, 7000, 30090)
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
    for match in PIECE.finditer(pattern):
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
