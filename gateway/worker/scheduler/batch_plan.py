"""What a scheduler decides: moves among the cells, then what to read in one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gateway.worker.scheduler.cache_offload import Entry
from gateway.worker.scheduler.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens that one sequence reads this step, from position `start` of its slot.

    `logits` are wanted after so many of the last ones.
    """

    sequence: Sequence
    slot: int
    start: int
    tokens: list[int]
    logits: int


@dataclass(frozen=True, slots=True)
class Copy:
    source: int
    slot: int
    length: int


@dataclass(frozen=True, slots=True)
class Forget:
    slot: int
    start: int


@dataclass(frozen=True, slots=True)
class Save:
    """Put what `slot` holds, which is `tokens`, into the archive."""

    slot: int
    tokens: list[int]


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring the first `length` tokens of an entry back; tell `lost` if that fails."""

    slot: int
    entry: Entry
    length: int


Move: TypeAlias = Copy | Forget | Save | Restore


@dataclass(frozen=True, slots=True)
class Plan:
    """Moves to make in order, then chunks to read at once.

    `streams` of them are answers under way; `beside` tokens are read beside one for each answer.
    """

    moves: list[Move]
    chunks: list[Chunk]
    streams: int
    beside: int
