"""Law L4: whoever else is served, a greedy request gets the answer that it gets alone."""

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
from tests.worker.fake_llama import COPIER, END, FakeLlama, alone, ask, delta, guide

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
    """What is asked before which step, and which are cancelled after how many more."""

    arrivals: dict[int, list[Generate]]
    cancelled: dict[int, int]


@dataclass(slots=True)
class Answer:
    tokens: list[int] = field(default_factory=list)
    finish: str | None = None
    counted: int = 0


@st.composite
def interruptions(draw: st.DrawFn) -> Interruption:
    """Passages of which some are closed by the model itself."""
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
        most = draw(st.sampled_from([None, None, 1, 2, 30]))
        grammar = draw(st.sampled_from([None, None, "fives", "seven, then fives"]))
        asked = ask(
            id,
            prompt,
            max_tokens=most,
            grammar=grammar,
            fast_forward=draw(st.booleans()),
            draft_tokens=draw(st.sampled_from([0, 3, 8])),
            top_logprobs=draw(st.sampled_from([None, None, 0])),
            interruption=draw(st.none() | interruptions()),
        )
        arrivals[step].append(asked)
        if draw(st.integers(0, 4)) == 0:
            cancelled[id] = step + draw(st.integers(0, 40))
    return Schedule(arrivals, cancelled)


def run(schedule: Schedule, worker: GenerationLoop) -> dict[int, Answer]:
    """Play `schedule` until all are served, and give what each request got."""
    answers: dict[int, Answer] = defaultdict(Answer)
    last = max([*schedule.arrivals, *schedule.cancelled.values()])
    step = 0
    while step <= last or not worker.is_idle:
        for asked in schedule.arrivals.get(step, []):
            accepted, *posts = worker.take(asked)
            assert accepted == Reply(asked.id, Accepted(len(asked.request.prompt)))
            note(posts, answers)
        for id, at in schedule.cancelled.items():
            if at == step:
                assert worker.take(Cancel(id)) == []
        if not worker.is_idle:
            note(worker.step(), answers)
        step += 1
        assert step < 10_000, "it never ends"
    return answers


def note(posts: list[FromWorker], answers: dict[int, Answer]) -> None:
    for reply in posts:
        assert isinstance(reply, Reply)
        post, answer = delta(reply), answers[reply.id]
        assert answer.finish is None, "nothing follows the finish"
        answer.tokens += map(int, post.text.split())
        answer.counted += post.tokens
        answer.finish = post.finish


def check(schedule: Schedule, llama: FakeLlama, max_bytes: int = 0) -> None:
    clock = count(step=0.01).__next__
    offload = CacheOffload(max_bytes, can_truncate=llama.can_truncate_restored, min_tokens=1)
    worker = GenerationLoop(llama, guide, offload, clock)
    answers = run(schedule, worker)
    for asked in (asked for group in schedule.arrivals.values() for asked in group):
        tokens, finish = alone(asked, llama.kv_cells)
        answer = answers[asked.id]
        assert answer.counted == len(answer.tokens)
        if answer.finish is None:
            assert asked.id in schedule.cancelled
            assert answer.tokens == tokens[: len(answer.tokens)]
        else:
            assert (answer.tokens, answer.finish) == (tokens, finish)
    fresh = GenerationLoop(FakeLlama(llama.kv_cells, llama.slots, llama.batch_size), guide)
    assert starts_at_once(worker, llama.slots) >= starts_at_once(fresh, llama.slots)


def starts_at_once(worker: GenerationLoop, slots: int) -> int:
    """How many of `slots` small requests a step serves; fewer if earlier ones left anything."""
    for i in range(slots):
        worker.take(ask(100 + i, [31, 1 + i % 31], max_tokens=1))
    return len(worker.step())


roomy = settings(max_examples=pick(fast=60, deep=400))


@roomy
@given(schedules())
def test_an_answer_does_not_depend_on_the_others(schedule: Schedule) -> None:
    check(schedule, FakeLlama(cells=1000))


@roomy
@given(schedules(), st.sampled_from([110, 130, 160, 256]), st.sampled_from([2, 3, 16]))
def test_nor_on_how_few_cells_and_slots_there_are(
    schedule: Schedule, cells: int, slots: int
) -> None:
    check(schedule, FakeLlama(cells, slots))


@roomy
@given(schedules(), st.sampled_from([16, 24, 65]))
def test_nor_on_how_prompts_are_cut_into_chunks(schedule: Schedule, batch: int) -> None:
    check(schedule, FakeLlama(cells=256, batch=batch))


@roomy
@given(schedules(), st.sampled_from([110, 160, 400]), st.sampled_from([3, 16]))
def test_nor_on_whether_the_model_can_forget_the_end_of_a_sequence(
    schedule: Schedule, cells: int, slots: int
) -> None:
    check(schedule, FakeLlama(cells, slots, can_truncate=False))


@roomy
@given(
    schedules(),
    st.sampled_from([110, 160, 400]),
    st.sampled_from([2, 3, 16]),
    st.sampled_from([100, 1000, 100_000]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_nor_on_what_is_archived(
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
