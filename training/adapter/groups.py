"""Reads conversations from a file, grouped by their tools."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeVar

MAX_GROUP = 8  # conversations
G = TypeVar("G")


def read(path: Path) -> list[list[str]]:
    """Groups of consecutive lines whose conversations have the same tools and system message."""
    with path.open(encoding="utf-8") as lines:
        return [some for _, alike in groupby(lines, _beginning) for some in _cut([*alike])]


def split(
    groups: Sequence[list[G]], validation_count: int, seed: int
) -> tuple[list[list[G]], list[list[G]]]:
    """Training groups, and validation groups with about `validation_count` conversations."""
    shuffled = [*groups]
    random.Random(seed).shuffle(shuffled)
    count = at = 0
    while count < validation_count:
        count, at = count + len(shuffled[at]), at + 1
    return shuffled[at:], shuffled[:at]


def epochs(groups: Sequence[G], seed: int, start: int = 0) -> Iterator[G]:
    """Yields all groups in random order, epoch after epoch, from the group number `start` on."""
    for turn in range(start // len(groups), 2**32):
        order = random.Random(f"{seed} {turn}").sample(range(len(groups)), len(groups))
        yield from (groups[i] for i in order[start % len(groups) :])
        start = 0


def _beginning(line: str) -> str:
    conversation = json.loads(line)
    first = conversation["messages"][0]
    return json.dumps([conversation["tools"], first if first["role"] == "system" else None])


def _cut(alike: list[str]) -> Iterator[list[str]]:
    yield from (alike[i : i + MAX_GROUP] for i in range(0, len(alike), MAX_GROUP))
