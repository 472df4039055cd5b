"""Law L4: a greedy request gets the answer that it gets alone, whatever other requests run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.generation import Accepted, Interruption
from gateway.engine.protocol import Cancel, FromWorker, Generate, Reply
from gateway.worker.generation_loop import GenerationLoop
from gateway.worker.scheduler.cache_offload import CacheOffload
from tests.depth import pick
from tests.worker.fake_llama import COPIER, END, FakeLlama, alone, ask, delta_of, matcher_for

STEMS: list[list[int]] = [
    [],
    [1, 2, 3],
    [1, 2, 3, 4, 5, 6, 7, 8] * 3,
    [9] * 70,
    [*[9] * 70, END],
    [1, 2, 3, *range(1, 31)] * 2,
    [COPIER, *range(1, 20)] * 2,
    [1, 2, 3, END, 4, 5, END, 6],
    [1, 2, 3, END, 4, 5, END, 7] * 3,
]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Requests by the step before which they arrive, and the steps at which some are cancelled."""

    arrivals: dict[int, list[Generate]]
    cancelled: dict[int, int]


@dataclass(slots=True)
class Answer:
    tokens: list[int] = field(default_factory=list)
    finish: str | None = None
    counted: int = 0


@st.composite
def interruptions(draw: st.DrawFn) -> Interruption:
    """Interruptions of passages, some of which the model closes itself."""
    return Interruption(
        max_tokens=draw(st.integers(0, 12)),
        opens=[f"{token} " for token in draw(st.sets(st.integers(1, 31), max_size=20))],
        closes=["7 ", "9 4 "],
        insert=draw(st.sampled_from([[7], [11, 8, 9, 4], [7, 20]])),
        is_open=draw(st.booleans()),
    )


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    arrivals: dict[int, list[Generate]] = defaultdict(list)
    cancelled = {}
    step = 0
    for id in range(draw(st.integers(1, 12))):
        step += draw(st.sampled_from([0, 0, 1, 2, 7, 40]))
        stem = draw(st.sampled_from(STEMS))
        prompt = [*stem, *draw(st.lists(st.integers(1, 31), min_size=1, max_size=12))]
        max_tokens = draw(st.sampled_from([None, None, 1, 2, 30]))
        grammar = draw(st.sampled_from([None, None, "fives", "seven, then fives"]))
        job = ask(
            id,
            prompt,
            max_tokens=max_tokens,
            grammar=grammar,
            fast_forward=draw(st.booleans()),
            draft_tokens=draw(st.sampled_from([0, 3, 8])),
            top_logprobs=draw(st.sampled_from([None, None, 0])),
            interruption=draw(st.none() | interruptions()),
        )
        arrivals[step].append(job)
        if draw(st.integers(0, 4)) == 0:
            cancelled[id] = step + draw(st.integers(0, 40))
    return Schedule(arrivals, cancelled)


def run(schedule: Schedule, loop: GenerationLoop) -> dict[int, Answer]:
    """Run `schedule` until all requests are done; the answer of each."""
    answers: dict[int, Answer] = defaultdict(Answer)
    last = max([*schedule.arrivals, *schedule.cancelled.values()])
    step = 0
    while step <= last or not loop.is_idle:
        for job in schedule.arrivals.get(step, []):
            accepted, *posts = loop.take(job)
            assert accepted == Reply(job.id, Accepted(len(job.request.prompt)))
            collect(posts, answers)
        for id, at in schedule.cancelled.items():
            if at == step:
                assert loop.take(Cancel(id)) == []
        if not loop.is_idle:
            collect(loop.step(), answers)
        step += 1
        assert step < 10_000, "the loop does not end"
    return answers


def collect(posts: list[FromWorker], answers: dict[int, Answer]) -> None:
    for reply in posts:
        assert isinstance(reply, Reply)
        post, answer = delta_of(reply), answers[reply.id]
        assert answer.finish is None, "nothing follows the finish"
        answer.tokens += map(int, post.text.split())
        answer.counted += post.tokens
        answer.finish = post.finish


def check(schedule: Schedule, llama: FakeLlama, max_bytes: int = 0) -> None:
    clock = count(step=0.01).__next__
    offload = CacheOffload(max_bytes, can_truncate=llama.can_truncate_restored, min_tokens=1)
    loop = GenerationLoop(llama, matcher_for, offload, clock)
    answers = run(schedule, loop)
    for job in (job for group in schedule.arrivals.values() for job in group):
        tokens, finish = alone(job, llama.kv_cells)
        answer = answers[job.id]
        assert answer.counted == len(answer.tokens)
        if answer.finish is None:
            assert job.id in schedule.cancelled
            assert answer.tokens == tokens[: len(answer.tokens)]
        else:
            assert (answer.tokens, answer.finish) == (tokens, finish)
    fresh = GenerationLoop(FakeLlama(llama.kv_cells, llama.slots, llama.batch_size), matcher_for)
    assert starts_at_once(loop, llama.slots) >= starts_at_once(fresh, llama.slots)


def starts_at_once(loop: GenerationLoop, slots: int) -> int:
    """How many of `slots` small requests one step serves; fewer if earlier ones left anything."""
    for i in range(slots):
        loop.take(ask(100 + i, [31, 1 + i % 31], max_tokens=1))
    return len(loop.step())


thorough = settings(max_examples=pick(fast=60, deep=400))


@thorough
@given(schedules())
def test_an_answer_does_not_depend_on_other_requests(schedule: Schedule) -> None:
    check(schedule, FakeLlama(cells=1000))


@thorough
@given(schedules(), st.sampled_from([110, 130, 160, 256]), st.sampled_from([2, 3, 16]))
def test_an_answer_does_not_depend_on_the_number_of_cells_and_slots(
    schedule: Schedule, cells: int, slots: int
) -> None:
    check(schedule, FakeLlama(cells, slots))


@thorough
@given(schedules(), st.sampled_from([16, 24, 65]))
def test_an_answer_does_not_depend_on_the_batch_size(schedule: Schedule, batch: int) -> None:
    check(schedule, FakeLlama(cells=256, batch=batch))


@thorough
@given(schedules(), st.sampled_from([110, 160, 400]), st.sampled_from([3, 16]))
def test_an_answer_does_not_depend_on_whether_the_model_can_truncate(
    schedule: Schedule, cells: int, slots: int
) -> None:
    check(schedule, FakeLlama(cells, slots, can_truncate=False))


@thorough
@given(
    schedules(),
    st.sampled_from([110, 160, 400]),
    st.sampled_from([2, 3, 16]),
    st.sampled_from([100, 1000, 100_000]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_an_answer_does_not_depend_on_what_is_offloaded(
    schedule: Schedule,
    cells: int,
    slots: int,
    max_bytes: int,
    can_truncate: bool,
    can_truncate_restored: bool,
    loses_saved: bool,
) -> None:
    llama = FakeLlama(
        cells,
        slots,
        can_truncate=can_truncate,
        can_truncate_restored=can_truncate_restored,
        loses_saved=loses_saved,
    )
    check(schedule, llama, max_bytes)


@thorough
@given(
    schedules(),
    st.sampled_from([110, 130, 160, 256, 1000]),
    st.sampled_from([2, 3, 16]),
    st.sampled_from([0, 1000, 100_000]),
)
def test_an_answer_does_not_depend_on_the_order_of_cells(
    schedule: Schedule, cells: int, slots: int, max_bytes: int
) -> None:
    check(schedule, FakeLlama(cells, slots, is_reproducible=True), max_bytes)
