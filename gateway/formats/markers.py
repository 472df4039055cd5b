"""How a mark is spelled, and how it is found in text that may end in the midst of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile


def differing(text: str, mark: str) -> str:
    """`text` up to the first character that is not `mark`'s: so much is known however it is cut.

    >>> differing("[ARGV] x", "[ARGS]")
    '[ARGV'
    """
    same = takewhile(lambda pair: pair[0] == pair[1], zip(text, mark, strict=False))
    return text[: len([*same]) + 1]


def core(mark: str) -> str:
    """What of `mark` ends a value: its first tag, or else its first line, without white space."""
    bare = mark.strip()
    tag = _TAG.match(bare)
    return tag.group() if tag else bare.partition("\n")[0]


def words(mark: str) -> list[str]:
    """`mark` in pieces, between which white space is forgiven."""
    return [word for word in _GAP.split(mark) if word]


@lru_cache
def any_of(marks: tuple[str, ...]) -> re.Pattern[str]:
    """Finds the longest of `marks` that begins first."""
    longest_first = sorted(marks, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


def overlap(text: str, marks: Iterable[str]) -> int:
    """How much of the end of `text` might be the start of one of `marks`."""
    return max((_overlapping(text, mark) for mark in marks), default=0)


def _overlapping(text: str, mark: str) -> int:
    tail = text[max(0, len(text) - len(mark) + 1) :]
    start = tail.find(mark[:1])
    while start >= 0 and not mark.startswith(tail[start:]):
        start = tail.find(mark[:1], start + 1)
    return len(tail) - start if start >= 0 else 0


_TAG = re.compile(r"<[^<>|]*>")
_GAP = re.compile(r"\s+|(?<=>)(?=<)|(?<=\])(?=\[)")
