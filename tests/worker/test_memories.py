"""Law L4 with llama.cpp itself, for models whose memory can't roll back freely."""

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
from tests.worker.fake_llama import changed, delta, deltas
from tests.worker.tiny import END

KINDS: dict[str, Callable[[Path], Path]] = {
    "recurrent": tiny.recurrent,
    "hybrid": tiny.hybrid,
    "windowed": tiny.windowed,
}
WORDS = ["the", "tool", "call", "city", "weather", "Paris", "list", "find", "then", "17"]
ARCHIVE = 2**26
REQUESTS = 30

Turns = tuple[str, ...]


class Watched(Llama):
    """StatsCounters the answers that had to be read again, and what was restored."""

    read_again = 0
    restored = 0

    def decode(self, items: Sequence[BatchItem]) -> list[list[Logits]]:
        self.read_again += sum(
            item.sequence.generated > 0 and item.start < item.sequence.prompt_length
            for item in items
        )
        return super().decode(items)

    def restore(self, slot: int, data: bytearray) -> bool:
        self.restored += 1
        return super().restore(slot, data)


@dataclass(slots=True)
class Answer:
    """Its tokens, each as the bytes that it writes."""

    tokens: list[bytes] = field(default_factory=list)
    cached: int = 0
    finish: str | None = None

    @property
    def text(self) -> str:
        return b"".join(self.tokens).decode(errors="replace")


@pytest.fixture(params=KINDS, scope="module")
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return KINDS[request.param](tmp_path_factory.mktemp("tiny") / f"{request.param}.gguf")


def loaded(path: Path, context: int) -> Watched:
    """A model whose sums round alike, whatever is read beside; flash attention's don't."""
    options = Options(flash_attn="off", cache_type_k="f32", cache_type_v="f32")
    return Watched(EngineOptions(str(path), context, threads=1, llama=options))


def serve(llama: Llama, max_bytes: int) -> GenerationLoop:
    offload = CacheOffload(max_bytes, can_truncate=llama.can_truncate_restored)
    return GenerationLoop(llama, no_guide, offload, count(step=0.01).__next__)


def no_guide(grammar: str) -> GrammarMatcher:
    raise GrammarError(grammar)


def ask(id: int, turns: Turns, most: int = 24, guessed: int = 0) -> Generate:
    """Have the model write what follows `turns`."""
    request = Generation(
        [*prompt(turns), "model:"],
        Sampling(temperature=0),
        max_tokens=most,
        top_logprobs=0,
        draft_tokens=guessed,
    )
    return Generate(id, request)


def prompt(turns: Turns) -> list[str | int]:
    return [part for turn in turns for part in (turn, END)]


def begin(worker: GenerationLoop, asked: Generate) -> None:
    [post] = worker.take(asked)
    assert isinstance(post, Reply)
    assert isinstance(post.value, Accepted)


def note(posts: list[FromWorker], answers: dict[int, Answer]) -> None:
    for reply in posts:
        assert isinstance(reply, Reply)
        post, answer = delta(reply), answers[reply.id]
        answer.tokens += [bytes(odds.bytes) for odds in post.logprobs]
        answer.cached, answer.finish = post.cached_tokens, post.finish


def answered(worker: GenerationLoop, asked: Generate) -> Answer:
    answers: dict[int, Answer] = defaultdict(Answer)
    begin(worker, asked)
    while not worker.is_idle:
        note(worker.step(), answers)
    return answers[asked.id]


def played(worker: GenerationLoop, seed: int) -> tuple[dict[int, Generate], dict[int, Answer]]:
    """What many ask in conversations that go on, are edited, and branch; some hang up."""
    chance = random.Random(seed)
    told: list[Turns] = [(said(chance, 70),), (said(chance, 70),), (said(chance, 5),)]
    asked: dict[int, Generate] = {}
    turns_of: dict[int, Turns] = {}
    answers: dict[int, Answer] = defaultdict(Answer)
    while len(asked) < REQUESTS or not worker.is_idle:
        for _ in range(chance.choice((0, 0, 0, 0, 1, 3)) if len(asked) < REQUESTS else 0):
            id, turns = len(asked), (*chance.choice(told), said(chance, 20))
            turns_of[id] = turns
            asked[id] = ask(id, turns, chance.choice((1, 24, 60)), chance.choice((0, 6)))
            begin(worker, asked[id])
        if asked and chance.random() < 0.02:
            worker.take(Cancel(chance.choice([*asked])))
        if not worker.is_idle:
            posts = worker.step()
            note(posts, answers)
            done = [id for id, piece in deltas(posts) if piece.finish]
            told += [(*turns_of[id], answers[id].text) for id in done if len(turns_of[id]) < 4]
    return asked, answers


def said(chance: random.Random, letters: int) -> str:
    text = ""
    while len(text) < letters:
        text += chance.choice(WORDS) + " "
    return text


@pytest.mark.parametrize("max_bytes", [0, ARCHIVE], ids=["alone", "offloadd"])
@pytest.mark.parametrize("context", [256, 2048])
def test_an_answer_does_not_depend_on_the_others(path: Path, context: int, max_bytes: int) -> None:
    read_again = restored = 0
    for seed in range(pick(fast=1, deep=2)):
        llama = loaded(path, context)
        asked, answers = played(serve(llama, max_bytes), seed)
        for id, answer in answers.items():
            unguessed = changed(asked[id], draft_tokens=0)
            expected = answered(serve(loaded(path, context), 0), unguessed).tokens
            assert answer.tokens == (expected if answer.finish else expected[: len(answer.tokens)])
        read_again, restored = read_again + llama.read_again, restored + llama.restored
    is_tight = context == 256
    assert not is_tight or (restored if max_bytes else read_again)


SYSTEM, FIRST, SECOND = (said(random.Random(seed), 70) for seed in range(3))


@pytest.mark.parametrize(
    ("before", "after", "shared"),
    [
        ([(SYSTEM, FIRST)], (SYSTEM, SECOND), 1),
        ([(SYSTEM, FIRST)], (SYSTEM, FIRST, "so the model said", SECOND), 2),
        ([(SYSTEM, FIRST, SECOND, "one")], (SYSTEM, FIRST, SECOND, "another"), 3),
        ([(SYSTEM, FIRST, SECOND), (FIRST, SECOND)], (SYSTEM, FIRST, SECOND, FIRST), 3),
    ],
    ids=["a new start", "told otherwise", "edited", "after others"],
)
def test_what_is_shared_is_read_once_up_to_the_last_turn(
    path: Path, before: list[Turns], after: Turns, shared: int
) -> None:
    llama = loaded(path, 1024)
    worker = serve(llama, ARCHIVE)
    for id, turns in enumerate(before):
        answered(worker, ask(id, turns))
    answer = answered(worker, ask(99, after))
    expected = answered(serve(loaded(path, 1024), 0), ask(99, after))
    cached = len(llama.tokenize(prompt(after[:shared])))
    assert (answer.cached == cached) or (llama.can_truncate and answer.cached > cached)
    assert answer.tokens == expected.tokens


def test_what_is_shared_outlives_the_worker(path: Path, tmp_path: Path) -> None:
    for asked, shared in ((FIRST, ()), (SECOND, (SYSTEM,))):
        llama = loaded(path, 512)
        folder = DiskCache(tmp_path, "key", ARCHIVE)
        offload = CacheOffload(ARCHIVE, folder, can_truncate=llama.can_truncate_restored)
        worker = GenerationLoop(llama, no_guide, offload)
        cached = len(llama.tokenize(prompt(shared))) if shared else 0
        assert answered(worker, ask(1, (SYSTEM, asked))).cached == cached
        worker.close()
