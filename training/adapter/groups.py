"""The conversations of a file, in groups of those that offer the same tools."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeVar

MOST = 8  # conversations of a group
G = TypeVar("G")


def read(path: Path) -> list[list[str]]:
    """The lines of conversations that follow each other and begin alike, for each such group."""
    with path.open(encoding="utf-8") as lines:
        return [some for _, alike in groupby(lines, _beginning) for some in _cut([*alike])]


def parted(
    groups: Sequence[list[G]], kept_apart: int, seed: int
) -> tuple[list[list[G]], list[list[G]]]:
    """What to train on, and whole groups of about so many conversations to check it with."""
    shuffled = [*groups]
    random.Random(seed).shuffle(shuffled)
    count = at = 0
    while count < kept_apart:
        count, at = count + len(shuffled[at]), at + 1
    return shuffled[at:], shuffled[:at]


def endlessly(groups: Sequence[G], seed: int, start: int = 0) -> Iterator[G]:
    """All groups, then all in another order, and so on; from the one at `start` of them all."""
    for turn in range(start // len(groups), 2**32):
        order = random.Random(f"{seed} {turn}").sample(range(len(groups)), len(groups))
        yield from (groups[i] for i in order[start % len(groups) :])
        start = 0


def _beginning(line: str) -> str:
    conversation = json.loads(line)
    first = conversation["messages"][0]
    return json.dumps([conversation["tools"], first if first["role"] == "system" else None])


def _cut(alike: list[str]) -> Iterator[list[str]]:
    yield from (alike[i : i + MOST] for i in range(0, len(alike), MOST))
