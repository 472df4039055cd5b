"""Time per token inside a worker, by part: from the end of one `llama_decode` to the next.

A decode on the CPU moves the model's weights through the caches, so that what follows waits for
main memory. Elsewhere the caches stay warm; then recorded logits stand in for the decode. The time
is the CPU's in the worker's thread. The slowest tenth of the steps is dropped, since other
processes disturb some of them.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from bench.bare import SOURCE
from bench.figure import THREADS, Aim, Measurement, Sides, Value
from gateway.chat.request import Sampling
from gateway.engine.generation import Delta, Generation
from gateway.engine.options import EngineOptions
from gateway.engine.protocol import FromWorker, Generate, Reply
from gateway.hub.source import locate
from gateway.worker.generation_loop import GenerationLoop
from gateway.worker.interfaces import Logits
from gateway.worker.llama.model import Llama
from gateway.worker.outbox import Outbox
from gateway.worker.sampling.detokenizer import Detokenizer
from gateway.worker.sampling.grammar_matcher import GrammarCompiler, LlguidanceMatcher
from gateway.worker.sampling.sampler import Sampler
from gateway.worker.scheduler.scheduler import Scheduler
from gateway.worker.stats import StatsReporter

TITLE = "Engine overhead per token"
TOKENS = 128
PROMPT = "<|im_start|>user\nTell a long story of {} ships.<|im_end|>\n<|im_start|>assistant\n"
GRAMMAR = """start: %json {"type": "array", "minItems": 99, "items": {"type": "object",
 "properties": {"ship": {"type": "string"}, "year": {"type": "integer"}},
 "required": ["ship", "year"], "additionalProperties": false}}"""
SAMPLINGS = {
    "greedy": Sampling(temperature=0),
    "sampled": Sampling(seed=1),
    "embedded default": Sampling(temperature=0.2, top_p=0.9, frequency_penalty=0.4, seed=1),
}
Row = tuple[str, str, str, str]
Parts = dict[str, list[tuple[Any, str]]]
DECODE: Parts = {"decode": [(llama_cpp, "llama_decode")]}
PARTS: Parts = {
    **DECODE,
    "batch": [(Llama, "decode")],
    "sampling": [(Sampler, "sample"), (Sampler, "accept")],
    "grammar": [
        (LlguidanceMatcher, "try_accept"),
        (LlguidanceMatcher, "mask"),
        (LlguidanceMatcher, "accept_forced"),
    ],
    "detokenizer": [(Llama, "piece"), (Detokenizer, "feed")],
    "scheduler": [(Scheduler, "plan")],
    "pipe": [(Outbox, "post"), (StatsReporter, "read")],
    "rest": [],
}


class Clock:
    """Seconds by part; the time of a nested part is not counted in the outer one."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = defaultdict(float)
        self._open = ["rest"]
        self._since = 0.0

    def wrap(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            self._spend()
            self._open.append(part)
            try:
                return function(*given, **named)
            finally:
                self._spend()
                self._open.pop()

        return wrapped

    @contextmanager
    def watching(self, parts: Parts) -> Iterator[None]:
        """Time the functions of each part inside the context."""
        functions = [(part, *function) for part in parts for function in parts[part]]
        plain = [getattr(owner, name) for _, owner, name in functions]
        for (part, owner, name), function in zip(functions, plain, strict=True):
            setattr(owner, name, self.wrap(part, function))
        try:
            yield
        finally:
            for (_, owner, name), function in zip(functions, plain, strict=True):
                setattr(owner, name, function)

    def lap(self) -> dict[str, float]:
        """The seconds by part since the last lap."""
        self._spend()
        spent, self._spent = dict(self._spent), defaultdict(float)
        self._since = time.thread_time()
        return spent

    def _spend(self) -> None:
        now = time.thread_time()
        self._spent[self._open[-1]] += now - self._since
        self._since = now


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the worker: its tokens, and seconds by part."""

    tokens: int
    spent: dict[str, float]

    @property
    def overhead_s(self) -> float:
        """Seconds outside `llama_decode`."""
        return sum(self.spent.values()) - self.spent["decode"]


class Recording:
    """A `llama_decode` that computes the logits of a token once, and copies them from then on."""

    def __init__(self, vocab_size: int) -> None:
        self._decode = llama_cpp.llama_decode
        self._vocab_size = vocab_size
        self._rows: dict[tuple[int, int], Logits] = {}  # by slot and position

    def decode(self, context: Any, batch: Any) -> int:
        tokens = [i for i in range(batch.n_tokens) if batch.logits[i]]
        places = [(batch.seq_id[i][0], batch.pos[i]) for i in tokens]
        is_new = any(place not in self._rows for place in places)
        code = int(self._decode(context, batch)) if is_new or not places else 0
        shape = len(places), self._vocab_size
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits(context), shape)
        for place, row in zip(places, logits, strict=True):
            row[:] = self._rows.setdefault(place, row.copy())
        return code

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Replaces `llama_decode` inside the context."""
        llama_cpp.llama_decode = self.decode
        try:
            yield
        finally:
            llama_cpp.llama_decode = self._decode


def _count(sequences: int) -> str:
    return "1 sequence" if sequences == 1 else f"{sequences} sequences"


def rows() -> Iterator[Row]:
    """The overhead of each sampling configuration, in total and by part."""
    yield ("microseconds per token", "total", "with warm caches", "parts")
    bench = Bench()
    for sequences, grammar, name in product((1, 8), (None, GRAMMAR), SAMPLINGS):
        asked = name, sequences, grammar
        cost = bench.cost(*asked, PARTS)
        label = f"{name}{', grammar' * bool(grammar)}, {_count(sequences)}"
        parts = ", ".join(f"{part} {cost[part]:.0f}" for part in PARTS if part != "decode")
        total, warm = bench.cost(*asked)["rest"], bench.warm_cost(*asked)["rest"]
        yield (label, f"{total:.0f}", f"{warm:.0f}", parts)


def overhead(_: Sides) -> Iterator[Value]:
    bench = Bench()
    for sequences, name in product((1, 8), ("greedy", "sampled")):
        cost = bench.cost(name, sequences)
        yield cost["rest"], f"{cost['decode']:.0f} us in llama_decode"


ENGINE = (
    Measurement(
        tuple(
            Aim(f"engine overhead per token, {sampling}, {_count(sequences)}", target, unit="us")
            for sequences, sampling, target in (
                (1, "greedy", 200),
                (1, "sampled", 250),
                (8, "greedy", 60),
                (8, "sampled", 90),
            )
        ),
        overhead,
    ),
)


class Bench:
    """A worker in this process, with its parts timed."""

    def __init__(self) -> None:
        self._llama = Llama(EngineOptions(str(locate(SOURCE, Path())), 4096, threads=THREADS))
        self._grammars = GrammarCompiler(self._llama)

    def cost(
        self, sampling: str, sequences: int, grammar: str | None = None, parts: Parts = DECODE
    ) -> dict[str, float]:
        """Microseconds per token by part; all that is in none of `parts` is the `rest`."""
        for slot in range(self._llama.slots):
            self._llama.truncate(slot, 0)
        requests = [
            Generate(i, Generation([PROMPT.format(i)], SAMPLINGS[sampling], grammar, TOKENS))
            for i in range(sequences)
        ]
        clock = Clock()
        with clock.watching(parts):
            steps = _steps(GenerationLoop(self._llama, self._grammars.matcher), requests, clock)
        steps = sorted(steps, key=lambda step: step.overhead_s)[: -len(steps) // 10]
        tokens = sum(step.tokens for step in steps)
        return {
            part: 1e6 * sum(step.spent.get(part, 0) for step in steps) / tokens
            for part in (*parts, "rest")
        }

    def warm_cost(
        self, sampling: str, sequences: int, grammar: str | None = None
    ) -> dict[str, float]:
        """The same as `cost`, with the caches of the CPU warm."""
        with Recording(self._llama.vocab_size).playing():
            self.cost(sampling, sequences, grammar)
            return self.cost(sampling, sequences, grammar)


def deltas(posts: list[FromWorker]) -> list[Delta]:
    """The deltas among a worker's messages."""
    replies = (post.value for post in posts if isinstance(post, Reply))
    return [value for value in replies if isinstance(value, Delta)]


def _steps(worker: GenerationLoop, requests: list[Generate], clock: Clock) -> list[Step]:
    """The steps from the first after the prefill to the end of the first sequence."""
    steps = []
    with Path(os.devnull).open("wb", buffering=0) as pipe:
        outbox, reporter = Outbox(pipe), StatsReporter(worker)
        for one in requests:
            worker.take(one)
        worker.step()
        while True:
            clock.lap()
            posts = worker.step()
            outbox.post([*posts, *reporter.read(is_idle=worker.is_idle)])
            spent, step = clock.lap(), deltas(posts)
            steps.append(Step(sum(delta.tokens for delta in step), spent))
            if any(delta.finish for delta in step):
                return steps
