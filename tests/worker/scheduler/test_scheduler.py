from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest

from gateway.worker.scheduler.batch_plan import BatchPlan, Copy, Move, Restore, Truncate
from gateway.worker.scheduler.cache_offload import CacheOffload, SavedPrefix
from gateway.worker.scheduler.prefix_cache import PrefixCache
from gateway.worker.scheduler.scheduler import Scheduler
from gateway.worker.scheduler.sequence import PrefixMiss, Sequence, State
from gateway.worker.scheduler.step_size import MAX_STEP_S


class Bench:
    """A scheduler whose model generates a 1 for each item that has logits.

    It has learnt that steps are short.
    """

    def __init__(
        self, kv_cells: int = 256, slots: int = 16, batch: int = 512, in_order: bool = False
    ):
        self.cache = PrefixCache(slots, kv_cells)
        self.scheduler = Scheduler(self.cache, CacheOffload(), batch, in_order=in_order)
        self.scheduler.step_size.tokens = batch

    def add(self, id: int, tokens: list[int]) -> Sequence:
        sequence = Sequence(id, tokens)
        self.scheduler.add(sequence)
        return sequence

    def step(self) -> BatchPlan:
        ops = self.scheduler.admit()
        plan = self.scheduler.plan()
        plan = replace(plan, cache_ops=[*ops, *plan.cache_ops])
        for item in plan.items:
            if item.logits:
                item.sequence.tokens.append(1)
        return plan

    def counts(self, plan: BatchPlan) -> dict[int, int]:
        return {item.sequence.id: len(item.tokens) for item in plan.items}


def step_s(tokens: int) -> float:
    """The duration of a step: prefill at 400 tokens a second, decode at 135."""
    return 0.005 + 0.0025 * tokens


def test_a_stream_stays_even_during_a_long_prefill() -> None:
    bench = Bench(kv_cells=8192)
    stream = bench.add(0, [7])
    decode_s = step_s(1)
    for _ in range(20):
        bench.scheduler.record(bench.step(), decode_s)
    prompt = bench.add(1, [8] * 3000)
    gaps = []
    while not prompt.generated:
        before = stream.generated
        plan = bench.step()
        gaps.append(step_s(sum(bench.counts(plan).values())))
        bench.scheduler.record(plan, gaps[-1])
        assert stream.generated == before + 1
    assert max(gaps) <= 3 * decode_s
    assert sum(gaps) <= 2 * step_s(3000)


def test_a_short_prefill_overtakes_a_long_one() -> None:
    bench = Bench(kv_cells=8192)
    bench.add(0, [7])
    for _ in range(4):
        bench.step()
    bench.add(1, [8] * 3000)
    bench.step()
    short = bench.add(2, [9] * 20)
    for _ in range(6):
        bench.step()
    assert short.generated


def test_forced_tokens_stay_within_the_prefill_budget_beside_a_stream() -> None:
    bench = Bench()
    first, other = bench.add(0, [7]), bench.add(1, [8])
    for _ in range(4):
        bench.step()
    first.tokens += [1] * 20
    assert bench.counts(bench.step()) == {0: 5, 1: 1}
    bench.scheduler.remove(other)
    assert bench.counts(bench.step()) == {0: 16}


def test_short_prefills_run_at_once_while_answers_are_starting() -> None:
    bench = Bench(kv_cells=8192)
    bench.add(0, [7] * 40)
    bench.step()
    for id in (1, 2, 3):
        bench.add(id, [id] * 40)
    assert bench.counts(bench.step()) == {0: 1, 1: 40, 2: 40, 3: 40}


def test_a_long_prefill_stays_within_the_budget_beside_a_starting_answer() -> None:
    bench = Bench(kv_cells=8192)
    bench.add(0, [7])
    bench.step()
    bench.add(1, [8] * 3000)
    assert bench.counts(bench.step()) == {0: 1, 1: 4}


def test_a_prefill_alone_fills_whole_batches() -> None:
    bench = Bench(kv_cells=4096)
    bench.add(0, [8] * 1200)
    assert [bench.counts(bench.step()) for _ in range(4)] == [{0: 512}, {0: 512}, {0: 176}, {0: 1}]


def test_a_prefill_alone_takes_short_steps_where_tokens_are_expensive() -> None:
    """A request that arrives meanwhile waits for the end of a step."""
    bench = Bench(kv_cells=8192)
    bench.add(0, [8] * 4000)
    durations = []
    for _ in range(10):
        plan = bench.step()
        durations.append(step_s(bench.counts(plan)[0]))
        bench.scheduler.record(plan, durations[-1])
    assert durations[-1] <= MAX_STEP_S
    late = bench.add(1, [9] * 10)
    bench.step()
    assert late.generated


def test_only_the_last_chunk_of_a_prompt_has_logits() -> None:
    bench = Bench(kv_cells=4096)
    bench.add(0, [8] * 600)
    wants = [[item.logits for item in bench.step().items] for _ in range(2)]
    assert wants == [[0], [1]]


def test_the_youngest_sequence_is_preempted_and_admitted_first_again() -> None:
    bench = Bench(kv_cells=200)
    old, young = bench.add(0, [7] * 60), bench.add(1, [8] * 60)
    steps = 0
    while young.slot is not None or steps == 0:
        bench.step()
        steps += 1
    late = bench.add(2, [9])
    bench.step()
    assert old.slot is not None
    assert late.slot is None
    bench.scheduler.remove(old)
    plan = bench.step()
    assert [item.sequence for item in plan.items] == [late, young]
    assert bench.counts(plan) == {1: len(young.tokens) - 1, 2: 1}


def test_idle_prefixes_are_evicted_before_any_sequence_is_preempted() -> None:
    bench = Bench(kv_cells=200)
    first, second = bench.add(0, [7] * 60), bench.add(1, [8] * 60)
    bench.step()
    bench.scheduler.remove(first)
    bench.scheduler.remove(second)
    bench.add(2, [9] * 100)
    plan = bench.step()
    assert plan.cache_ops == [Truncate(0, 0)]
    assert bench.counts(plan) == {2: 100}


def test_a_follow_up_reuses_the_slot_of_its_prefix() -> None:
    bench = Bench()
    first = bench.add(0, [1, 2, 3])
    bench.step()
    bench.scheduler.remove(first)
    second = bench.add(1, [1, 2, 3, 1, 5, 6])
    plan = bench.step()
    assert (second.slot, second.cached_tokens, plan.cache_ops) == (0, 3, [])
    assert bench.counts(plan) == {1: 3}


def test_a_follow_up_waits_until_the_answer_before_it_is_decoded() -> None:
    bench = Bench()
    first = bench.add(0, [1, 2, 3])
    bench.step()
    first.tokens += [4, 5]
    bench.scheduler.finish(first)
    other, second = bench.add(1, [1, 2, 9]), bench.add(2, [*first.tokens, 6])
    assert bench.counts(bench.step()) == {0: 3, 1: 1}
    bench.scheduler.remove(first)
    assert bench.counts(bench.step()) == {1: 1, 2: 1}
    assert (other.cached_tokens, second.cached_tokens) == (2, 6)


def test_a_prefix_is_not_offloaded_before_waiting_sequences_are_admitted() -> None:
    offload = CacheOffload(10**9)
    scheduler = Scheduler(PrefixCache(16, 4096), offload)
    scheduler.step_size.tokens = 512
    prefixes = [Sequence(i, [i] * 400) for i in (1, 2)]
    for sequence in prefixes:
        scheduler.add(sequence)
    scheduler.admit()
    scheduler.plan()
    for sequence in prefixes:
        scheduler.remove(sequence)
    late = [Sequence(3, [3] * 100), Sequence(4, [1] * 401)]
    for sequence in late:
        scheduler.add(sequence)
    scheduler.admit()
    assert [sequence.cached_tokens for sequence in late] == [0, 400]


class SlowDisk:
    """Has one prefix; `submit` gives a future for reading it that the test completes."""

    prefix = SavedPrefix([1] * 90, None, "name")

    def __init__(self) -> None:
        self.future: Future[Any] = Future()

    def changes(self) -> tuple[list[SavedPrefix], set[str]]:
        return [self.prefix], set()

    def write(self, tokens: list[int], data: bytearray) -> SavedPrefix | None:
        raise AssertionError

    def read(self, prefix: SavedPrefix) -> bytearray | None:
        return bytearray(1)

    def submit(self, work: Any, argument: Any) -> Future[Any]:
        return self.future


def test_others_run_on_while_a_prefix_is_read_from_the_disk() -> None:
    disk = SlowDisk()
    offload = CacheOffload(10**9, disk, submit=disk.submit)
    scheduler = Scheduler(PrefixCache(16, 4096), offload)
    first, second = Sequence(0, [2] * 5), Sequence(1, [1] * 91)
    scheduler.add(first)
    scheduler.admit()
    scheduler.add(second)
    assert scheduler.admit() == []
    assert [item.sequence for item in scheduler.plan().items] == [first]
    disk.future.set_result(bytearray(1))
    assert scheduler.admit() == [Restore(1, disk.prefix, 90)]


def test_a_prefix_is_read_at_once_if_nothing_else_runs() -> None:
    disk = SlowDisk()
    scheduler = Scheduler(PrefixCache(16, 4096), CacheOffload(10**9, disk, submit=disk.submit))
    scheduler.add(Sequence(1, [1] * 91))
    assert scheduler.admit() == [Restore(0, disk.prefix, 90)]


def test_a_prefix_miss_also_compares_with_saved_prefixes() -> None:
    offload = CacheOffload(10**9)
    offload.put([1] * 90 + [2] * 10, bytearray(1))
    scheduler = Scheduler(PrefixCache(16, 4096), offload)
    first, second, third = Sequence(0, [1, 5]), Sequence(1, [1, 1, 9]), Sequence(2, [7])
    for sequence in (first, second, third):
        scheduler.add(sequence)
    scheduler.admit()
    assert second.prefix_miss == PrefixMiss(2, [1] * 8, [9])
    assert third.prefix_miss is None


def test_the_prefix_of_a_running_sequence_is_shared() -> None:
    bench = Bench()
    bench.add(0, [1, 2, 3, 4])
    bench.step()
    second = bench.add(1, [1, 2, 3, 9])
    assert bench.step().cache_ops == [Copy(0, 1, 3)]
    assert second.cached_tokens == 3


def test_sharing_the_start_of_a_longer_prefix_leaves_it_whole() -> None:
    bench = Bench()
    first = bench.add(0, [1, 2, 3, 4, 5, 6])
    bench.step()
    bench.scheduler.remove(first)
    bench.add(1, [1, 2, 9])
    assert bench.step().cache_ops == [Copy(0, 1, 2)]
    assert bench.cache[0].tokens == [1, 2, 3, 4, 5, 6]


def test_a_repeated_prompt_computes_only_its_last_token() -> None:
    bench = Bench(slots=1)
    first = bench.add(0, [1, 2, 3])
    bench.step()
    bench.scheduler.remove(first)
    second = bench.add(1, [1, 2, 3])
    plan = bench.step()
    assert (second.cached_tokens, plan.cache_ops) == (2, [Truncate(0, 2)])
    assert bench.counts(plan) == {1: 1}


def test_a_copy_comes_before_the_truncation_of_its_source() -> None:
    bench = Bench(kv_cells=101, slots=2)
    first = bench.add(0, [*range(100)])
    bench.step()
    bench.scheduler.remove(first)
    bench.add(1, [*range(90), 200, 201])
    plan = bench.step()
    assert plan.cache_ops == [Copy(0, 1, 90), Truncate(0, 0)]
    assert bench.counts(plan) == {1: 2}


def test_cached_tokens_are_those_of_the_first_admission() -> None:
    bench = Bench(kv_cells=200)
    old = bench.add(0, [7] * 60)
    bench.step()
    young = bench.add(1, [8] * 60)
    while young.slot is not None or young.state is State.WAITING:
        bench.step()
    bench.scheduler.remove(old)
    bench.step()
    assert young.cached_tokens == 0


def test_removing_a_waiting_sequence_leaves_no_trace() -> None:
    bench = Bench(kv_cells=100)
    bench.add(0, [7] * 80)
    waiting = bench.add(1, [8] * 80)
    bench.step()
    bench.scheduler.remove(waiting)
    assert bench.counts(bench.step()) == {0: 1}


@pytest.mark.parametrize("in_order", [False, True])
def test_a_sequence_is_moved_before_it_would_be_out_of_order(in_order: bool) -> None:
    bench = Bench(slots=2, in_order=in_order)
    evicted = bench.add(0, [7] * 8)
    bench.step()
    bench.add(1, [8] * 8)
    bench.step()
    bench.scheduler.remove(evicted)
    bench.add(2, [9] * 12)
    assert bench.step().cache_ops == [Truncate(0, 0), *([Move([1])] if in_order else [])]
