"""The conversations of a file, in groups of those that offer the same tools."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from training.spelling import Speller, Spelling

MOST = 8  # conversations of a group
Group = list[Spelling]


def read(path: Path, speller: Speller) -> list[Group]:
    """Conversations that follow each other are a group if they begin alike."""
    with path.open(encoding="utf-8") as lines:
        conversations = map(json.loads, lines)
        return [
            [speller.spell(one) for one in some]
            for _, alike in groupby(conversations, _beginning)
            for some in _cut(list(alike))
        ]


def parted(groups: Sequence[Group], kept_apart: int, seed: int) -> tuple[list[Group], list[Group]]:
    """What to train on, and whole groups of about so many conversations to check it with."""
    shuffled = [*groups]
    random.Random(seed).shuffle(shuffled)
    count = at = 0
    while count < kept_apart:
        count, at = count + len(shuffled[at]), at + 1
    return shuffled[at:], shuffled[:at]


def endlessly(groups: Sequence[Group], seed: int, start: int = 0) -> Iterator[Group]:
    """All groups, then all in another order, and so on; from the one at `start` of them all."""
    for turn in range(start // len(groups), 2**32):
        order = random.Random(f"{seed} {turn}").sample(range(len(groups)), len(groups))
        yield from (groups[i] for i in order[start % len(groups) :])
        start = 0


def _beginning(conversation: dict[str, Any]) -> str:
    first = conversation["messages"][0]
    return json.dumps([conversation["tools"], first if first["role"] == "system" else None])


def _cut(alike: Sequence[Any]) -> Iterator[Sequence[Any]]:
    yield from (alike[i : i + MOST] for i in range(0, len(alike), MOST))
