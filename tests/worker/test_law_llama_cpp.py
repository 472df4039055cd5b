"""Law L4 with llama.cpp, for models whose sequences can't be truncated freely."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from gateway.chat.request import Sampling
from gateway.engine.generation import Accepted, Generation
from gateway.engine.options import EngineOptions, Options
from gateway.engine.protocol import Cancel, FromWorker, Generate, Reply
from gateway.worker.generation_loop import GenerationLoop
from gateway.worker.interfaces import GrammarError, GrammarMatcher, Logits
from gateway.worker.llama.model import Llama
from gateway.worker.scheduler.batch_plan import BatchItem
from gateway.worker.scheduler.cache_disk import DiskCache
from gateway.worker.scheduler.cache_offload import CacheOffload
from tests.depth import pick
from tests.worker import tiny
from tests.worker.fake_llama import GREEDY, changed, delta_of, deltas_of
from tests.worker.tiny import END

KINDS: dict[str, Callable[[Path], Path]] = {
    "recurrent": tiny.recurrent,
    "hybrid": tiny.hybrid,
    "windowed": tiny.windowed,
}
WORDS = ["the", "tool", "call", "city", "weather", "Paris", "list", "find", "then", "17"]
MAX_BYTES = 2**26
REQUESTS = 30

Turns = tuple[str, ...]


class CountingLlama(Llama):
    """Counts the preempted answers that are computed again, and the restores."""

    computed_again = 0
    restored = 0

    def decode(self, items: Sequence[BatchItem]) -> list[list[Logits]]:
        self.computed_again += sum(
            item.sequence.generated > 0 and item.start < item.sequence.prompt_length
            for item in items
        )
        return super().decode(items)

    def restore(self, slot: int, data: bytearray) -> bool:
        self.restored += 1
        return super().restore(slot, data)


@dataclass(slots=True)
class Answer:
    """The bytes of each token, its log-probability, and how the answer came about."""

    tokens: list[bytes] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    cached: int = 0
    finish: str | None = None

    @property
    def text(self) -> str:
        return b"".join(self.tokens).decode(errors="replace")


@pytest.fixture(params=KINDS, scope="module")
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return KINDS[request.param](tmp_path_factory.mktemp("tiny") / f"{request.param}.gguf")


def load(path: Path, context: int) -> CountingLlama:
    """A model whose results don't depend on the batch. With flash attention they would."""
    options = Options(flash_attn="off", cache_type_k="f32", cache_type_v="f32")
    return CountingLlama(EngineOptions(str(path), context, threads=1, llama=options))


def new_loop(llama: Llama, max_bytes: int) -> GenerationLoop:
    offload = CacheOffload(max_bytes, can_truncate=llama.can_truncate_restored)
    return GenerationLoop(llama, no_matcher, offload, count(step=0.01).__next__)


def no_matcher(grammar: str) -> GrammarMatcher:
    raise GrammarError(grammar)


def ask(
    id: int,
    turns: Turns,
    max_tokens: int = 24,
    draft_tokens: int = 0,
    sampling: Sampling = GREEDY,
    *,
    reproducible: bool = False,
) -> Generate:
    """A request to continue `turns`."""
    request = Generation(
        [*prompt(turns), "model:"],
        sampling,
        max_tokens=max_tokens,
        top_logprobs=0,
        draft_tokens=draft_tokens,
        reproducible=reproducible,
    )
    return Generate(id, request)


def prompt(turns: Turns) -> list[str | int]:
    return [part for turn in turns for part in (turn, END)]


def begin(loop: GenerationLoop, job: Generate) -> None:
    [post] = loop.take(job)
    assert isinstance(post, Reply)
    assert isinstance(post.value, Accepted)


def collect(posts: list[FromWorker], answers: dict[int, Answer]) -> None:
    for reply in posts:
        assert isinstance(reply, Reply)
        post, answer = delta_of(reply), answers[reply.id]
        answer.tokens += [bytes(logprob.bytes) for logprob in post.logprobs]
        answer.logprobs += [logprob.logprob for logprob in post.logprobs]
        answer.cached, answer.finish = post.cached_tokens, post.finish


def run_one(loop: GenerationLoop, job: Generate) -> Answer:
    answers: dict[int, Answer] = defaultdict(Answer)
    begin(loop, job)
    while not loop.is_idle:
        collect(loop.step(), answers)
    return answers[job.id]


def play(
    loop: GenerationLoop,
    seed: int,
    requests: int = REQUESTS,
    letters: Sequence[int] = (70, 70, 5),
    temperatures: Sequence[float] = (0,),
    *,
    reproducible: bool = False,
) -> tuple[dict[int, Generate], dict[int, Answer]]:
    """Run requests of conversations that continue, are edited and branch; some are cancelled.

    `letters` are the lengths of the texts that the conversations begin with.
    """
    rng = random.Random(seed)
    conversations: list[Turns] = [(random_text(rng, length),) for length in letters]
    job: dict[int, Generate] = {}
    turns_of: dict[int, Turns] = {}
    answers: dict[int, Answer] = defaultdict(Answer)
    while len(job) < requests or not loop.is_idle:
        for _ in range(rng.choice((0, 0, 0, 0, 1, 3)) if len(job) < requests else 0):
            id, turns = len(job), (*rng.choice(conversations), random_text(rng, 20))
            turns_of[id] = turns
            length, draft_tokens = rng.choice((1, 24, 60)), rng.choice((0, 6))
            sampling = Sampling(temperature=rng.choice(temperatures), seed=id)
            job[id] = ask(id, turns, length, draft_tokens, sampling, reproducible=reproducible)
            begin(loop, job[id])
        if job and rng.random() < 0.02:
            loop.take(Cancel(rng.choice([*job])))
        if not loop.is_idle:
            posts = loop.step()
            collect(posts, answers)
            done = [id for id, delta in deltas_of(posts) if delta.finish]
            conversations += [
                (*turns_of[id], answers[id].text) for id in done if len(turns_of[id]) < 4
            ]
    return job, answers


def random_text(rng: random.Random, letters: int) -> str:
    text = ""
    while len(text) < letters:
        text += rng.choice(WORDS) + " "
    return text


@pytest.mark.parametrize("max_bytes", [0, MAX_BYTES], ids=["alone", "offloaded"])
@pytest.mark.parametrize("context", [256, 2048])
def test_an_answer_does_not_depend_on_other_requests(
    path: Path, context: int, max_bytes: int
) -> None:
    computed_again = restored = 0
    for seed in range(pick(fast=1, deep=2)):
        llama = load(path, context)
        job, answers = play(new_loop(llama, max_bytes), seed)
        for id, answer in answers.items():
            without_draft = changed(job[id], draft_tokens=0)
            expected = run_one(new_loop(load(path, context), 0), without_draft).tokens
            assert answer.tokens == (expected if answer.finish else expected[: len(answer.tokens)])
        computed_again, restored = computed_again + llama.computed_again, restored + llama.restored
    is_tight = context == 256
    assert not is_tight or (restored if max_bytes else computed_again)


SYSTEM, FIRST, SECOND = (random_text(random.Random(seed), 70) for seed in range(3))


@pytest.mark.parametrize(
    ("before", "after", "shared"),
    [
        ([(SYSTEM, FIRST)], (SYSTEM, SECOND), 1),
        ([(SYSTEM, FIRST)], (SYSTEM, FIRST, "so the model said", SECOND), 2),
        ([(SYSTEM, FIRST, SECOND, "one")], (SYSTEM, FIRST, SECOND, "another"), 3),
        ([(SYSTEM, FIRST, SECOND), (FIRST, SECOND)], (SYSTEM, FIRST, SECOND, FIRST), 3),
    ],
    ids=["a new start", "an edited answer", "edited", "after others"],
)
def test_a_shared_prefix_is_reused_up_to_its_last_turn(
    path: Path, before: list[Turns], after: Turns, shared: int
) -> None:
    llama = load(path, 1024)
    loop = new_loop(llama, MAX_BYTES)
    for id, turns in enumerate(before):
        run_one(loop, ask(id, turns))
    answer = run_one(loop, ask(99, after))
    expected = run_one(new_loop(load(path, 1024), 0), ask(99, after))
    cached = len(llama.tokenize(prompt(after[:shared])))
    assert (answer.cached == cached) or (llama.can_truncate and answer.cached > cached)
    assert answer.tokens == expected.tokens


def test_a_shared_prefix_outlives_the_worker(path: Path, tmp_path: Path) -> None:
    for job, shared in ((FIRST, ()), (SECOND, (SYSTEM,))):
        llama = load(path, 512)
        folder = DiskCache(tmp_path, "key", MAX_BYTES)
        offload = CacheOffload(MAX_BYTES, folder, can_truncate=llama.can_truncate_restored)
        loop = GenerationLoop(llama, no_matcher, offload)
        cached = len(llama.tokenize(prompt(shared))) if shared else 0
        assert run_one(loop, ask(1, (SYSTEM, job))).cached == cached
        loop.close()
