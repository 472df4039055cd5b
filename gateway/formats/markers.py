"""Finds markers in text that may end inside one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile

BRACKETS = ("}", ")", "]")


def differing(text: str, marker: str) -> str:
    """Returns `text` up to the first character that differs from `marker`.

    This much of the text is known however it is split.

    >>> differing("[ARGV] x", "[ARGS]")
    '[ARGV'
    """
    same = takewhile(lambda pair: pair[0] == pair[1], zip(text, marker, strict=False))
    return text[: len([*same]) + 1]


def core(marker: str) -> str:
    """Returns what ends a value before `marker`: its first tag, or else its first line, trimmed."""
    text = marker.strip()
    tag = _TAG.match(text)
    return tag.group() if tag else text.partition("\n")[0]


def head(text: str) -> str:
    """What the declared `text` begins with: a tag, a brace, or a line up to a placeholder."""
    return _HEAD.match(text.strip()).group()  # type: ignore[union-attr]


def words(marker: str) -> list[str]:
    """Splits `marker` where white space may be added or missing."""
    return [word for word in _GAP.split(marker) if word]


@lru_cache
def any_of(markers: tuple[str, ...]) -> re.Pattern[str]:
    """Returns a pattern that finds the first of `markers`, and of several there the longest."""
    longest_first = sorted(markers, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


def overlap(text: str, markers: Iterable[str]) -> int:
    """Returns how many characters at the end of `text` may be the start of one of `markers`."""
    return max((_overlap(text, marker) for marker in markers), default=0)


def _overlap(text: str, marker: str) -> int:
    tail = text[max(0, len(text) - len(marker) + 1) :]
    start = tail.find(marker[:1])
    while start >= 0 and not marker.startswith(tail[start:]):
        start = tail.find(marker[:1], start + 1)
    return len(tail) - start if start >= 0 else 0


_HEAD = re.compile(r"<[^<>$]*>|\{|[^$\n]*")
_TAG = re.compile(r"<[^<>|]*>")
_GAP = re.compile(r"\s+(?![^<>]*>)|(?<=[>`})])(?=<)|(?<=[})])(?=[\]})])|(?<=\])(?=\[|<(?!\]))")
