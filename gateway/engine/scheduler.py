"""Which sequence gets how many tokens in the next step. Pure: it only decides.

Sequences that are writing go first, one step each, so that no stream stalls; prompts are read
beside them in chunks. When cells run out, idle prefixes go first; then the youngest sequence
gives up its cells and is read again later.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gateway.engine.cache import Cache, Slot
from gateway.engine.sequence import Sequence

WRITING = 32  # so few pending tokens are an answer's next step, not a prompt


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens that one sequence reads this step, from position `start` of its slot."""

    sequence: Sequence
    slot: int
    start: int
    tokens: list[int]
    wants_logits: bool


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
class Plan:
    """Moves to make in order, then chunks to read at once."""

    moves: list[Copy | Forget]
    chunks: list[Chunk]


class Scheduler:
    """`batch` is the most tokens in a step, `beside` the most of prompts beside a stream."""

    def __init__(self, cache: Cache, batch: int = 512, beside: int = 64):
        self._cache = cache
        self._batch = batch
        self._beside = beside
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []
        self._moves: list[Copy | Forget] = []

    def add(self, sequence: Sequence) -> None:
        self._waiting.append(sequence)

    def remove(self, sequence: Sequence) -> None:
        """A sequence is finished or cancelled; what it has read stays as a prefix."""
        if sequence.slot is None:
            self._waiting.remove(sequence)
            return
        self._running.remove(sequence)
        self._cache.release(self._cache[sequence.slot])
        sequence.slot = None

    def plan(self) -> Plan:
        """Decide the next step; the caller carries it out whole."""
        self._admit()
        takes = self._share()
        while sum(takes.values()) > self._cache.cells - self._cache.used:
            self._make_room()
            takes = self._share()
        chunks = [self._chunk(sequence, take) for sequence, take in takes.items()]
        moves, self._moves = self._moves, []
        return Plan(moves, chunks)

    # -- sharing out a step

    def _share(self) -> dict[Sequence, int]:
        """How many tokens each running sequence reads this step."""
        writing = [s for s in self._running if s.pending <= WRITING]
        reading = [s for s in self._running if s.pending > WRITING]
        left = self._batch
        takes = {}
        for sequence in writing:
            takes[sequence] = min(sequence.pending, left)
            left -= takes[sequence]
        left = min(left, self._beside) if writing else left
        for sequence in reading:
            takes[sequence] = min(sequence.pending, left)
            left -= takes[sequence]
        return {sequence: take for sequence, take in takes.items() if take}

    def _chunk(self, sequence: Sequence, take: int) -> Chunk:
        assert sequence.slot is not None
        start = sequence.read
        tokens = sequence.tokens[start : start + take]
        sequence.read += take
        self._cache[sequence.slot].tokens += tokens
        return Chunk(sequence, sequence.slot, start, tokens, sequence.pending == 0)

    # -- letting sequences in

    def _admit(self) -> None:
        while self._waiting and self._fits(self._waiting[0]) and (slot := self._cache.spare()):
            sequence = self._waiting.popleft()
            self._seat(sequence, slot)
            self._running.append(sequence)

    def _fits(self, sequence: Sequence) -> bool:
        """Whether its prompt leaves the others some room to go on; alone it always may try."""
        busy = sum(len(other.tokens) + WRITING for other in self._running)
        return not self._running or busy + len(sequence.tokens) + WRITING <= self._cache.cells

    def _seat(self, sequence: Sequence, spare: Slot) -> None:
        """Give it the slot that has most of its start already, or a share of that start."""
        best, length = self._cache.best(sequence.tokens)
        if best is None:
            slot = spare
        elif best.owner is None and (best is spare or length == len(best.tokens)):
            slot = best
        else:
            slot = spare
            self._cut(slot, 0)
            self._moves.append(Copy(best.id, slot.id, length))
            slot.tokens = best.tokens[:length]
        self._cut(slot, length)
        slot.owner = sequence.id
        sequence.slot, sequence.read = slot.id, length
        if not sequence.was_admitted:
            sequence.cached, sequence.was_admitted = length, True

    # -- making room

    def _make_room(self) -> None:
        prefix = self._cache.oldest_idle_prefix()
        if prefix is not None:
            self._cut(prefix, 0)
            return
        youngest = self._running.pop()
        assert self._running, "one sequence never outgrows the cells: it ends before"
        assert youngest.slot is not None
        slot = self._cache[youngest.slot]
        self._cut(slot, 0)
        self._cache.release(slot)
        youngest.slot, youngest.read = None, 0
        self._waiting.appendleft(youngest)

    def _cut(self, slot: Slot, length: int) -> None:
        if len(slot.tokens) > length:
            self._moves.append(Forget(slot.id, length))
            del slot.tokens[length:]
