"""What the scheduler decides for one step: operations on the KV cache, then a batch. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gateway.worker.scheduler.cache_offload import SavedPrefix
from gateway.worker.scheduler.sequence import Sequence


@dataclass(slots=True)
class BatchItem:
    """Tokens of one sequence in a batch, from position `start` of its slot.

    The model returns logits for the last `logits` of them.
    """

    sequence: Sequence
    slot: int
    start: int
    tokens: list[int]
    logits: int


@dataclass(frozen=True, slots=True)
class Copy:
    """Share the cells of the first `length` tokens of slot `source` with `slot`."""

    source: int
    slot: int
    length: int


@dataclass(frozen=True, slots=True)
class Truncate:
    """Free the cells of `slot` behind its first `length` tokens."""

    slot: int
    length: int


@dataclass(frozen=True, slots=True)
class Save:
    """Offload the state of `slot`, which holds `tokens`."""

    slot: int
    tokens: list[int]


@dataclass(frozen=True, slots=True)
class Restore:
    """Load the first `length` tokens of a saved prefix into an empty slot.

    If that fails, the caller calls `Scheduler.restore_failed`.
    """

    slot: int
    prefix: SavedPrefix
    length: int


@dataclass(frozen=True, slots=True)
class Move:
    """Move the tokens of `slots` to the free cells with the lowest indices, slot by slot."""

    slots: list[int]


CacheOp: TypeAlias = Copy | Truncate | Save | Restore | Move


@dataclass(slots=True)
class BatchPlan:
    """Operations on the KV cache to carry out in order, then items to decode as one batch.

    It has `tokens` tokens, of which `prefill_tokens` are beyond one for each decoding sequence.
    `has_streams` says that streaming sequences wait for the step. `dropped` sequences are FINISHED,
    since there was no room for their last tokens.
    """

    cache_ops: list[CacheOp]
    items: list[BatchItem]
    tokens: int
    prefill_tokens: int
    has_streams: bool
    dropped: list[Sequence]
