"""Decides which sequences run, and how many tokens of each the next step computes. Pure.

A step mixes decode and prefill (chunked prefill): each answer advances by a token, and prompts
fill the rest of the step, the shortest first, within a budget that keeps streams even. When the KV
cache is full, idle prefixes are evicted first; then the youngest sequence is preempted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from gateway.worker.scheduler.batch_plan import (
    BatchItem,
    BatchPlan,
    CacheOp,
    Copy,
    Move,
    Restore,
    Save,
    Truncate,
)
from gateway.worker.scheduler.cache_offload import CacheOffload
from gateway.worker.scheduler.prefill_budget import PrefillBudget
from gateway.worker.scheduler.prefix_cache import PrefixCache, Slot, common_length
from gateway.worker.scheduler.sequence import PrefixMiss, Sequence, State
from gateway.worker.scheduler.step_size import StepSize
from gateway.worker.scheduler.tuning import (
    MAX_IDLE_CELLS,
    MAX_SHORT_PREFILL_TOKENS,
    MIN_RESTORE_GAIN_TOKENS,
    RESERVED_DECODE_CELLS,
    SHOWN_MISS_TOKENS,
)


class Scheduler:
    """Call `admit`, then `plan`, for each step, and carry out what they return in order.

    `batch_size` is the largest number of tokens in a step; at least the number of slots. With
    `in_order`, the tokens of a sequence are in cells of increasing index.
    """

    def __init__(
        self,
        cache: PrefixCache,
        offload: CacheOffload,
        batch_size: int = 512,
        *,
        in_order: bool = False,
    ):
        self._cache = cache
        self._in_order = in_order
        self._offload = offload
        self._batch_size = batch_size
        self.step_size = StepSize(batch_size)
        self._prefill_budget = PrefillBudget(batch_size)
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []  # oldest first
        self._cache_ops: list[CacheOp] = []

    @property
    def waiting(self) -> int:
        """The number of sequences that wait for a slot."""
        return len(self._waiting)

    def add(self, sequence: Sequence) -> None:
        # An estimate, for an answer that is complete before it has a slot.
        sequence.cached_tokens = self.cached(sequence.tokens)
        self._waiting.append(sequence)

    def cached(self, tokens: list[int]) -> int:
        """How many of the first of `tokens` a sequence that is admitted now need not compute."""
        return max(store.longest_prefix(tokens)[1] for store in (self._cache, self._offload))

    def finish(self, sequence: Sequence) -> None:
        """Mark an answer as complete. Its last tokens are still decoded, for the next prompt."""
        sequence.state = State.FINISHING

    def remove(self, sequence: Sequence) -> None:
        """End a sequence that is complete or cancelled; its computed tokens stay as a prefix."""
        if sequence.slot is not None:
            self._running.remove(sequence)
            self._cache.release(self._cache[sequence.slot])
            sequence.slot = None
        elif sequence.state is not State.FINISHED:
            self._waiting.remove(sequence)
        sequence.state = State.FINISHED

    def admit(self) -> list[CacheOp]:
        """Give slots to waiting sequences, as many as fit."""
        self._save_checkpoints()
        waiting, is_restored = len(self._waiting), False
        # A restore may fail, so no other sequence may share its cells in the same step.
        while not is_restored and self._waiting and self._can_run(self._waiting[0]):
            if not (slot := self._cache.free_slot()):
                break
            sequence = self._waiting.popleft()
            is_restored = self._assign_slot(sequence, slot)
            self._running.append(sequence)
        if len(self._waiting) < waiting:  # not before they have found their prefixes
            self._offload_idle()
        return self._take_cache_ops()

    def plan(self) -> BatchPlan:
        """The next step. It counts as computed from now on."""
        counts = self._share_step()
        while self._needed_cells(counts) > self._cache.free_cells:
            self._make_room()
            counts = self._share_step()
        if self._in_order:
            self._put_in_order(counts)
        self._drop_drafts(sum(counts.values()))
        decoding = [sequence for sequence in counts if sequence.is_decoding]
        has_streams = any(sequence.is_streaming for sequence in decoding)
        for sequence in decoding:
            sequence.decode_steps += 1
        items = [self._batch_item(sequence, count) for sequence, count in counts.items()]
        tokens = sum(len(item.tokens) for item in items)
        dropped = [sequence for sequence in self._waiting if sequence.state is State.FINISHING]
        for sequence in dropped:
            self.remove(sequence)
        prefill = tokens - len(decoding)
        return BatchPlan(self._take_cache_ops(), items, tokens, prefill, has_streams, dropped)

    def record(self, plan: BatchPlan, step_s: float) -> None:
        """Adapt the next step's tokens to the duration of this one."""
        self.step_size.record(plan.tokens, step_s)
        if plan.has_streams:
            self._prefill_budget.record(plan.prefill_tokens, step_s)

    def accept_draft(self, sequence: Sequence, accepted: int) -> None:
        """Keep the first `accepted` draft tokens of the last step, and forget the others."""
        assert sequence.slot is not None
        sequence.computed += accepted
        self._truncate(self._cache[sequence.slot], sequence.computed)
        sequence.draft = []

    def restore_failed(self, slot: int) -> None:
        """Compute the prefix of `slot`, since it could not be restored."""
        self._cache.truncate(self._cache[slot], 0)
        for sequence in self._running:
            if sequence.slot == slot:
                sequence.computed = 0
                sequence.cached_tokens *= bool(sequence.generated)

    def close(self) -> list[CacheOp]:
        """Offload all idle prefixes."""
        for slot in self._cache.idle_slots():
            self._evict(slot)
        return self._take_cache_ops()

    def _take_cache_ops(self) -> list[CacheOp]:
        ops, self._cache_ops = self._cache_ops, []
        return ops

    # -- one step

    def _share_step(self) -> dict[Sequence, int]:
        """How many tokens of each running sequence the next step computes."""
        # decode: one token of each answer
        decoding = [sequence for sequence in self._running if sequence.is_decoding]
        counts = dict.fromkeys(decoding, 1)
        left = max(0, self.step_size.tokens - len(decoding))

        # prefill, and further decode tokens: the fewest pending first
        budget = min(left, self._prefill_budget.tokens)
        more = [one for one in self._running if one.pending != counts.get(one, 0)]
        for sequence in sorted(more, key=lambda sequence: sequence.pending):
            count = counts.get(sequence, 0)
            limit = budget if _slows_another(sequence, decoding) else left
            added = min(sequence.pending_to_checkpoint - count, limit)
            counts[sequence] = count + added
            left -= added
            budget = max(0, min(left, budget - added))
        return {sequence: count for sequence, count in counts.items() if count}

    def _needed_cells(self, counts: dict[Sequence, int]) -> int:
        needed = sum(counts.values())
        for slot in self._out_of_order(counts):
            needed += self._cache.shared_cells(slot)
        return needed

    def _put_in_order(self, sequences: Iterable[Sequence]) -> None:
        """Move the cells of those whose next token would be in a cell before its predecessors."""
        if slots := self._out_of_order(sequences):
            self._cache.move(slots)
            self._cache_ops.append(Move([slot.id for slot in slots]))

    def _out_of_order(self, sequences: Iterable[Sequence]) -> list[Slot]:
        if not self._in_order:
            return []
        slots = [self._cache[sequence.slot] for sequence in sequences if sequence.slot is not None]
        return [slot for slot in slots if not self._cache.is_in_order(slot)]

    def _batch_item(self, sequence: Sequence, count: int) -> BatchItem:
        assert sequence.slot is not None
        start = sequence.computed
        tokens = sequence.tokens[start : start + count]
        sequence.computed += count
        logits = 0 if sequence.pending else 1 + len(sequence.draft)
        tokens += sequence.draft[: max(0, logits - 1)]
        self._cache.append(self._cache[sequence.slot], tokens)
        return BatchItem(sequence, sequence.slot, start, tokens, logits)

    def _drop_drafts(self, count: int) -> None:
        """Verify drafts only if one sequence runs alone, with room beside `count` tokens."""
        room = min(self._cache.free_cells, self._batch_size) - count
        for sequence in self._running:
            if len(self._running) > 1 or len(sequence.draft) > room:
                sequence.draft = []

    # -- admission

    def _can_run(self, sequence: Sequence) -> bool:
        return self._fits(sequence) and not (self._running and self._is_read(sequence.tokens))

    def _is_read(self, tokens: list[int]) -> bool:
        """Whether a saved prefix of `tokens` is being read from the disk."""
        saved, length = self._offload.longest_prefix(tokens)
        gain = length - self._cache.longest_prefix(tokens)[1]
        return (
            saved is not None and gain > MIN_RESTORE_GAIN_TOKENS and self._offload.prefetch(saved)
        )

    def _fits(self, sequence: Sequence) -> bool:
        """Whether the running sequences keep some room to go on; a sequence alone always fits."""
        if not self._running:
            return True
        if any(_follows(sequence, o) for o in self._running if o.state is State.FINISHING):
            return False  # its prefix will be in the cache soon
        slots = [self._cache[other.slot] for other in self._running if other.slot is not None]
        shared = max(common_length(slot.tokens, sequence.tokens) for slot in slots)
        pending = sum(other.pending + RESERVED_DECODE_CELLS for other in self._running)
        new = len(sequence.tokens) - shared + RESERVED_DECODE_CELLS
        return self._cache.running_cells + pending + new <= self._cache.kv_cells

    def _assign_slot(self, sequence: Sequence, free: Slot) -> bool:
        """Run `sequence` in a slot with its longest cached prefix; whether that is restored."""
        saved, length = self._offload.longest_prefix(sequence.tokens)
        is_first = sequence.state is not State.PREEMPTED
        if is_first:
            sequence.prefix_miss = self._prefix_miss(sequence.prompt, saved.tokens if saved else [])
        gain = length - self._cache.longest_prefix(sequence.tokens)[1]
        is_restored = (
            saved is not None
            and gain > MIN_RESTORE_GAIN_TOKENS
            and self._free_cells(len(saved.tokens))
        )
        if saved is not None and is_restored:
            slot = free
            self._evict(slot)
            self._cache_ops.append(Restore(slot.id, saved, length))
            self._cache.append(slot, saved.tokens[:length])
            slot.min_prefix = self._offload.min_prefix(saved)
        else:
            slot, length = self._slot_with_prefix(sequence.tokens, free)
        slot.owner = sequence.id
        sequence.slot, sequence.computed = slot.id, length
        if is_first:
            sequence.cached_tokens = min(length, sequence.prompt_length)
        if sequence.state is not State.FINISHING:
            sequence.state = State.RUNNING
        return is_restored

    def _slot_with_prefix(self, tokens: list[int], free: Slot) -> tuple[Slot, int]:
        """A slot that holds the longest cached prefix of `tokens`: reused, shared or empty."""
        best, length = self._cache.longest_prefix(tokens)
        if best is None:
            slot = free
            self._evict(slot)
        elif best.owner is None and (best is free or length == len(best.tokens)):
            slot = best
        else:
            slot = free
            self._evict(slot)
            self._cache_ops.append(Copy(best.id, slot.id, length))
            self._cache.share(best, slot, length)
        self._truncate(slot, length)
        return slot, length

    def _prefix_miss(self, prompt: list[int], saved: list[int]) -> PrefixMiss | None:
        """Where `prompt` differs from the cached prefix that agrees with it for longest."""
        slot, _ = self._cache.longest_match(prompt)
        cached = max(slot.tokens if slot else [], saved, key=lambda c: common_length(c, prompt))
        at = common_length(cached, prompt)
        if not 0 < at < min(len(cached), len(prompt)):
            return None
        return PrefixMiss(
            at, cached[at : at + SHOWN_MISS_TOKENS], prompt[at : at + SHOWN_MISS_TOKENS]
        )

    def _save_checkpoints(self) -> None:
        for sequence in self._running:
            if sequence.computed in sequence.checkpoints and sequence.slot is not None:
                tokens = sequence.tokens[: sequence.computed]
                if self._offload.should_save(tokens):
                    self._cache_ops.append(Save(sequence.slot, tokens))

    # -- eviction and preemption

    def _make_room(self) -> None:
        """Evict the least recently used prefix, or else preempt the youngest sequence."""
        prefix = self._cache.lru_prefix()
        if prefix is not None:
            self._evict(prefix)
            return
        youngest = self._running.pop()
        assert self._running, "a sequence alone always fits: it ends before the cache is full"
        assert youngest.slot is not None
        slot = self._cache[youngest.slot]
        self._evict(slot)
        self._cache.release(slot)
        youngest.slot, youngest.computed = None, 0
        if youngest.state is State.RUNNING:
            youngest.state = State.PREEMPTED
        self._waiting.appendleft(youngest)

    def _free_cells(self, cells: int) -> bool:
        """Evict idle prefixes until `cells` are free; whether that is possible."""
        if self._cache.kv_cells - self._cache.running_cells < cells:
            return False
        while self._cache.free_cells < cells:
            self._evict_lru()
        return True

    def _offload_idle(self) -> None:
        """Move idle prefixes to where they don't make steps slower."""
        cache = self._cache
        while self._offload.is_enabled and cache.used_cells - cache.running_cells > MAX_IDLE_CELLS:
            self._evict_lru()

    def _evict_lru(self) -> None:
        prefix = self._cache.lru_prefix()
        assert prefix is not None
        self._evict(prefix)

    def _evict(self, slot: Slot) -> None:
        """Empty `slot`; its tokens are offloaded if they are worth it."""
        if self._offload.should_save(slot.tokens):
            self._cache_ops.append(Save(slot.id, list(slot.tokens)))
        self._truncate(slot, 0)

    def _truncate(self, slot: Slot, length: int) -> None:
        if len(slot.tokens) > length:
            self._cache_ops.append(Truncate(slot.id, length))
            self._cache.truncate(slot, length)


def _slows_another(sequence: Sequence, decoding: list[Sequence]) -> bool:
    """Whether another answer would notice that `sequence` computes many tokens in a step."""
    is_long = sequence.pending > MAX_SHORT_PREFILL_TOKENS
    return any(is_long or other.is_streaming for other in decoding if other is not sequence)


def _follows(sequence: Sequence, other: Sequence) -> bool:
    """Whether `sequence` starts with all tokens of `other`."""
    return common_length(sequence.tokens, other.tokens) == len(other.tokens)
