"""Which sequence gets how many tokens in the next step. Pure: it only decides.

Each answer goes on by a token; what else there is to read goes beside those that are under way in
small chunks, the shortest first, so that no stream stalls. When cells run out, idle prefixes go
first; then the youngest sequence gives up its cells and comes back later.
"""

from __future__ import annotations

from collections import deque

from gateway.worker.scheduler.batch_plan import Chunk, Copy, Forget, Move, Plan, Restore, Save
from gateway.worker.scheduler.cache_offload import Archive
from gateway.worker.scheduler.prefill_budget import Pace
from gateway.worker.scheduler.prefix_cache import Cache, Slot, common
from gateway.worker.scheduler.sequence import WRITING, Miss, Sequence

MOST_IDLE = 128  # cells; each that stands idle makes every step a little longer
GAIN = 32  # tokens that the archive must save, to be worth its while
SHORT = 128  # tokens of a prompt that may hold up answers that have hardly begun
SHOWN = 8  # tokens where a prompt leaves a prefix


class Scheduler:
    """`batch` is the most tokens in a step, and no fewer than there are slots."""

    def __init__(self, cache: Cache, archive: Archive, batch: int = 512):
        self._cache = cache
        self._archive = archive
        self._batch = batch
        self._pace = Pace(batch)
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []
        self._moves: list[Move] = []

    @property
    def waiting(self) -> int:
        """How many sequences have no slot."""
        return len(self._waiting)

    def add(self, sequence: Sequence) -> None:
        kept = max(store.best(sequence.tokens)[1] for store in (self._cache, self._archive))
        sequence.cached = kept  # for an answer that is whole before it has a slot
        self._waiting.append(sequence)

    def remove(self, sequence: Sequence) -> None:
        """A sequence is finished or cancelled; what it has read stays as a prefix."""
        if sequence.slot is None:
            self._waiting.remove(sequence)
            return
        self._running.remove(sequence)
        self._cache.release(self._cache[sequence.slot])
        sequence.slot = None

    def admit(self) -> list[Move]:
        """Let in who can be, before `plan`; the caller makes the moves in order."""
        self._save_checkpoints()
        waiting, is_restored = len(self._waiting), False
        # What is restored may fail: nobody else may count on it yet.
        while not is_restored and self._waiting and self._fits(self._waiting[0]):
            if not (slot := self._cache.spare()):
                break
            sequence = self._waiting.popleft()
            is_restored = self._seat(sequence, slot)
            self._running.append(sequence)
        if len(self._waiting) < waiting:  # all have found what is here before it leaves
            self._tidy()
        return self._taken_moves()

    def plan(self) -> Plan:
        """Decide the next step; the caller carries it out whole."""
        takes = self._share()
        while sum(takes.values()) > self._cache.cells - self._cache.used:
            self._make_room()
            takes = self._share()
        self._drop_drafts(sum(takes.values()))
        streams = sum(sequence.is_under_way for sequence in takes)
        answers = sum(sequence.is_writing for sequence in takes)
        chunks = [self._chunk(sequence, take) for sequence, take in takes.items()]
        beside = sum(len(chunk.tokens) for chunk in chunks) - answers
        return Plan(self._taken_moves(), chunks, streams, beside)

    def took(self, plan: Plan, seconds: float) -> None:
        """Learn how long a step took."""
        if plan.streams:
            self._pace.took(plan.beside, seconds)

    def settle(self, sequence: Sequence, agreed: int) -> None:
        """Of the draft that was read, so much was written too; the rest is forgotten."""
        assert sequence.slot is not None
        sequence.read += agreed
        self._cut(self._cache[sequence.slot], sequence.read)
        sequence.draft = []

    def lost(self, slot: int) -> None:
        """What was to be restored is not there."""
        self._cache.cut(self._cache[slot], 0)
        for sequence in self._running:
            if sequence.slot == slot:
                sequence.read = 0
                sequence.cached *= bool(sequence.generated)

    def close(self) -> list[Move]:
        """Save all idle prefixes."""
        for slot in self._cache.idle():
            self._leave(slot)
        return self._taken_moves()

    def _taken_moves(self) -> list[Move]:
        moves, self._moves = self._moves, []
        return moves

    # -- sharing out a step

    def _share(self) -> dict[Sequence, int]:
        """How many tokens each running sequence reads this step."""
        answers = [sequence for sequence in self._running if sequence.is_writing]
        takes = dict.fromkeys(answers, 1)
        left = self._batch - len(answers)
        beside = min(left, self._pace.beside)
        for sequence in sorted(self._running, key=lambda sequence: sequence.pending):
            is_long = sequence.pending > SHORT
            others = (answer for answer in answers if answer is not sequence)
            disturbs = any(is_long or other.is_under_way for other in others)
            taken = takes.get(sequence, 0)
            more = min(sequence.ahead - taken, beside if disturbs else left)
            takes[sequence] = taken + more
            left -= more
            beside = max(0, min(left, beside - more))
        return {sequence: take for sequence, take in takes.items() if take}

    def _chunk(self, sequence: Sequence, take: int) -> Chunk:
        assert sequence.slot is not None
        start = sequence.read
        sequence.steps += sequence.is_writing
        tokens = sequence.tokens[start : start + take]
        sequence.read += take
        logits = 0 if sequence.pending else 1 + len(sequence.draft)
        tokens += sequence.draft[: max(0, logits - 1)]
        self._cache.read(self._cache[sequence.slot], tokens)
        return Chunk(sequence, sequence.slot, start, tokens, logits)

    def _drop_drafts(self, taken: int) -> None:
        """Guesses are read where one sequence runs alone, and there is room for them."""
        room = min(self._cache.cells - self._cache.used, self._batch) - taken
        for sequence in self._running:
            if len(self._running) > 1 or len(sequence.draft) > room:
                sequence.draft = []

    # -- letting sequences in

    def _fits(self, sequence: Sequence) -> bool:
        """Whether its prompt leaves the others some room to go on; alone it always may try."""
        if not self._running:
            return True
        if any(other.is_over and _goes_on(sequence, other) for other in self._running):
            return False  # what it would read is being read
        slots = [self._cache[other.slot] for other in self._running if other.slot is not None]
        shared = max(common(slot.tokens, sequence.tokens) for slot in slots)
        pending = sum(other.pending + WRITING for other in self._running)
        needed = self._cache.busy + pending + len(sequence.tokens) - shared + WRITING
        return needed <= self._cache.cells

    def _seat(self, sequence: Sequence, spare: Slot) -> bool:
        """Give it a slot with the longest start of it that there is; whether to restore it."""
        entry, kept = self._archive.best(sequence.tokens)
        if not sequence.was_admitted:
            sequence.miss = self._miss(sequence.prompt, entry.tokens if entry else [])
        gain = kept - self._cache.best(sequence.tokens)[1]
        is_restored = entry is not None and gain > GAIN and self._free(len(entry.tokens))
        if entry is not None and is_restored:
            slot, length = spare, kept
            self._leave(slot)
            self._moves.append(Restore(slot.id, entry, length))
            self._cache.read(slot, entry.tokens[:length])
            slot.bound = self._archive.bound(entry)
        else:
            slot, length = self._shared(sequence.tokens, spare)
        slot.owner = sequence.id
        sequence.slot, sequence.read = slot.id, length
        if not sequence.was_admitted:
            sequence.cached = min(length, sequence.prompt_length)
            sequence.was_admitted = True
        return is_restored

    def _shared(self, tokens: list[int], spare: Slot) -> tuple[Slot, int]:
        """The slot that has most of the start of `tokens` already, or a share of that start."""
        best, length = self._cache.best(tokens)
        if best is None:
            slot = spare
            self._leave(slot)
        elif best.owner is None and (best is spare or length == len(best.tokens)):
            slot = best
        else:
            slot = spare
            self._leave(slot)
            self._moves.append(Copy(best.id, slot.id, length))
            self._cache.share(best, slot, length)
        self._cut(slot, length)
        return slot, length

    def _miss(self, tokens: list[int], archived: list[int]) -> Miss | None:
        """Where `tokens` leave the prefix that agrees with them for longest."""
        slot, _ = self._cache.nearest(tokens)
        held = max(slot.tokens if slot else [], archived, key=lambda held: common(held, tokens))
        at = common(held, tokens)
        if not 0 < at < min(len(held), len(tokens)):
            return None
        return Miss(at, held[at : at + SHOWN], tokens[at : at + SHOWN])

    def _save_checkpoints(self) -> None:
        for sequence in self._running:
            if sequence.read in sequence.checkpoints and sequence.slot is not None:
                tokens = sequence.tokens[: sequence.read]
                if self._archive.wants(tokens):
                    self._moves.append(Save(sequence.slot, tokens))

    # -- making room

    def _make_room(self) -> None:
        prefix = self._cache.oldest_idle_prefix()
        if prefix is not None:
            self._leave(prefix)
            return
        youngest = self._running.pop()
        assert self._running, "one sequence never outgrows the cells: it ends before"
        assert youngest.slot is not None
        slot = self._cache[youngest.slot]
        self._leave(slot)
        self._cache.release(slot)
        youngest.slot, youngest.read = None, 0
        self._waiting.appendleft(youngest)

    def _free(self, cells: int) -> bool:
        """Have idle prefixes leave until so many cells are free, if that helps."""
        if self._cache.cells - self._cache.busy < cells:
            return False
        while self._cache.cells - self._cache.used < cells:
            prefix = self._cache.oldest_idle_prefix()
            assert prefix is not None
            self._leave(prefix)
        return True

    def _tidy(self) -> None:
        """Have idle prefixes wait where they slow nothing down."""
        while self._archive.is_open and self._cache.used - self._cache.busy > MOST_IDLE:
            prefix = self._cache.oldest_idle_prefix()
            assert prefix is not None
            self._leave(prefix)

    def _leave(self, slot: Slot) -> None:
        """Empty a slot; what it held goes into the archive if it is worth that."""
        if self._archive.wants(slot.tokens):
            self._moves.append(Save(slot.id, list(slot.tokens)))
        self._cut(slot, 0)

    def _cut(self, slot: Slot, length: int) -> None:
        if len(slot.tokens) > length:
            self._moves.append(Forget(slot.id, length))
            self._cache.cut(slot, length)


def _goes_on(sequence: Sequence, other: Sequence) -> bool:
    """Whether it begins with all that another is."""
    return common(sequence.tokens, other.tokens) == len(other.tokens)
