"""What a token costs inside a worker, part by part.

The slowest tenth of the steps is left out: a neighbour disturbed those.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import llama_cpp

from bench.bare import SOURCE
from bench.figure import THREADS, Aim, Measurement, Sides, Value
from gateway.chat.request import Sampling
from gateway.config.source import locate
from gateway.engine.generation import Delta, Generation
from gateway.engine.options import EngineOptions
from gateway.engine.protocol import FromWorker, Generate, Reply
from gateway.worker.generation_loop import GenerationLoop
from gateway.worker.llama.model import Llama
from gateway.worker.sampling.detokenizer import Detokenizer
from gateway.worker.sampling.grammar_matcher import GrammarCompiler, LlguidanceMatcher
from gateway.worker.sampling.sampler import Sampler
from gateway.worker.scheduler.scheduler import Scheduler

TITLE = "The engine's own time a token"
TOKENS = 128
PROMPT = "<|im_start|>user\nTell a long story of {} ships.<|im_end|>\n<|im_start|>assistant\n"
GRAMMAR = """start: %json {"type": "array", "minItems": 99, "items": {"type": "object",
 "properties": {"ship": {"type": "string"}, "year": {"type": "integer"}},
 "required": ["ship", "year"], "additionalProperties": false}}"""
SAMPLINGS = {
    "greedy": Sampling(temperature=0),
    "usual": Sampling(seed=1),
    "embedded default": Sampling(temperature=0.2, top_p=0.9, frequency_penalty=0.4, seed=1),
}
Row = tuple[str, str, str]
PARTS: dict[str, list[tuple[Any, str]]] = {
    "decode": [(llama_cpp, "llama_decode")],
    "batch": [(Llama, "decode")],
    "draw": [(Sampler, "sample"), (Sampler, "accept")],
    "guide": [
        (LlguidanceMatcher, "try_accept"),
        (LlguidanceMatcher, "mask"),
        (LlguidanceMatcher, "accept_forced"),
    ],
    "text": [(Llama, "piece"), (Detokenizer, "feed")],
    "plan": [(Scheduler, "plan")],
    "rest": [],
}


class Clock:
    """Seconds by part; a part within another counts for itself alone."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = defaultdict(float)
        self._open = ["rest"]
        self._since = 0.0

    def wrap(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any) -> Any:
            self._spend()
            self._open.append(part)
            try:
                return function(*given)
            finally:
                self._spend()
                self._open.pop()

        return wrapped

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Have the functions of each part timed."""
        functions = [(part, *function) for part in PARTS for function in PARTS[part]]
        plain = [getattr(owner, name) for _, owner, name in functions]
        for (part, owner, name), function in zip(functions, plain, strict=True):
            setattr(owner, name, self.wrap(part, function))
        try:
            yield
        finally:
            for (_, owner, name), function in zip(functions, plain, strict=True):
                setattr(owner, name, function)

    def lap(self) -> dict[str, float]:
        """What was spent since the last one."""
        self._spend()
        spent, self._spent = dict(self._spent), defaultdict(float)
        self._since = time.perf_counter()
        return spent

    def _spend(self) -> None:
        now = time.perf_counter()
        self._spent[self._open[-1]] += now - self._since
        self._since = now


@dataclass(frozen=True, slots=True)
class Step:
    tokens: int
    spent: dict[str, float]

    @property
    def beside_s(self) -> float:
        """What is spent beside `llama_decode`."""
        return sum(self.spent.values()) - self.spent["decode"]


def rows() -> Iterator[Row]:
    """What each sampling costs beside `llama_decode`, and where it goes."""
    yield ("microseconds a token", "in all", "where")
    bench = Bench()
    for sequences, grammar, name in product((1, 8), (None, GRAMMAR), SAMPLINGS):
        cost = bench.cost(name, sequences, grammar)
        said = f"{name}{', grammar' * bool(grammar)}, {sequences} at once"
        parts = ", ".join(f"{part} {cost[part]:.0f}" for part in PARTS if part != "decode")
        yield (said, f"{sum(cost.values()) - cost['decode']:.0f}", parts)


def taken(_: Sides) -> Iterator[Value]:
    bench = Bench()
    for sequences, name in product((1, 8), ("greedy", "usual")):
        cost = bench.cost(name, sequences)
        ours = sum(cost.values()) - cost["decode"]
        yield ours, f"{cost['decode']:.0f} us in llama_decode"


ENGINE = (
    Measurement(
        tuple(
            Aim(f"engine's own time a token, {sampling}, {sequences} at once", most, unit="us")
            for sequences, sampling, most in (
                (1, "greedy", 150),
                (1, "sampled", 150),
                (8, "greedy", 60),
                (8, "sampled", 60),
            )
        ),
        taken,
    ),
)


class Bench:
    """A worker in this process, whose parts are timed."""

    def __init__(self) -> None:
        self._llama = Llama(EngineOptions(str(locate(SOURCE, Path())), 4096, threads=THREADS))
        self._grammars = GrammarCompiler(self._llama)

    def cost(self, sampling: str, sequences: int, grammar: str | None = None) -> dict[str, float]:
        """Microseconds a token by part."""
        for slot in range(self._llama.slots):
            self._llama.truncate(slot, 0)
        asked = [
            Generate(i, Generation([PROMPT.format(i)], SAMPLINGS[sampling], grammar, TOKENS))
            for i in range(sequences)
        ]
        clock = Clock()
        with clock.watching():
            steps = _steps(GenerationLoop(self._llama, self._grammars.matcher), asked, clock)
        kept = sorted(steps, key=lambda step: step.beside_s)[: -len(steps) // 10]
        tokens = sum(step.tokens for step in kept)
        return {
            part: 1e6 * sum(step.spent.get(part, 0) for step in kept) / tokens for part in PARTS
        }


def deltas(posts: list[FromWorker]) -> list[Delta]:
    """The deltas among a worker's messages."""
    replies = (post.value for post in posts if isinstance(post, Reply))
    return [value for value in replies if isinstance(value, Delta)]


def _steps(worker: GenerationLoop, asked: list[Generate], clock: Clock) -> list[Step]:
    """From the first that only writes to the first end."""
    for one in asked:
        worker.take(one)
    worker.step()
    clock.lap()
    steps = []
    while True:
        pieces = deltas(worker.step())
        steps.append(Step(sum(piece.tokens for piece in pieces), clock.lap()))
        if any(piece.finish for piece in pieces):
            return steps
