"""What a token costs inside a worker, part by part, with the real model: `python -m bench.engine`.

The slowest tenth of the steps is left out: a neighbour disturbed those. A number behind the
command is that of llama.cpp's threads, else one.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import llama_cpp

from bench.bare import SOURCE
from gateway.engine.llama import Llama
from gateway.engine.matcher import Grammars, Matcher
from gateway.engine.messages import Generate, Piece, Start
from gateway.engine.sampler import Sampler
from gateway.engine.scheduler import Scheduler
from gateway.engine.text import TextStream
from gateway.engine.worker import Worker
from gateway.request import Sampling
from gateway.source import locate

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
PARTS: dict[str, list[tuple[Any, str]]] = {
    "decode": [(llama_cpp, "llama_decode")],
    "batch": [(Llama, "decode")],
    "draw": [(Sampler, "draw"), (Sampler, "accept")],
    "guide": [(Matcher, "takes"), (Matcher, "mask"), (Matcher, "forced")],
    "text": [(Llama, "piece"), (TextStream, "feed")],
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


def main() -> None:
    threads = int(sys.argv[1]) if sys.argv[1:] else 1
    print(f"SmolLM2-135M-Instruct Q4_1, {threads} threads, load {os.getloadavg()[0]:.2f}")
    print(f"{'microseconds a token':<27}{'n':>3}{'tok/s':>8}", end="")
    print("".join(f"{part:>8}" for part in [*PARTS, "ours"]))
    clock = Clock()
    for part, functions in PARTS.items():
        for owner, name in functions:
            setattr(owner, name, clock.wrap(part, getattr(owner, name)))
    llama = Llama(Start(str(locate(SOURCE, Path())), 4096, threads=threads))
    grammars = Grammars(llama)
    for sequences, grammar, (name, sampling) in product((1, 8), (None, GRAMMAR), SAMPLINGS.items()):
        for slot in range(sequences):
            llama.forget(slot, 0)
        asked = [
            Generate(i, [PROMPT.format(i)], sampling, grammar, TOKENS) for i in range(sequences)
        ]
        steps = _steps(Worker(llama, grammars.matcher), asked, clock)
        print(f"{name + ', grammar' * bool(grammar):<27}{sequences:>3}", _row(steps), flush=True)
    print(f"load at the end {os.getloadavg()[0]:.2f}")


def _steps(worker: Worker, asked: list[Generate], clock: Clock) -> list[Step]:
    """From the first that only writes to the first end."""
    for one in asked:
        worker.take(one)
    worker.step()
    clock.lap()
    steps = []
    while True:
        pieces = [post for post in worker.step() if isinstance(post, Piece)]
        steps.append(Step(sum(piece.tokens for piece in pieces), clock.lap()))
        if any(piece.finish for piece in pieces):
            return steps


def _row(steps: list[Step]) -> str:
    kept = sorted(steps, key=lambda step: step.beside_s)[: -len(steps) // 10]
    tokens = sum(step.tokens for step in kept)
    parts = [sum(step.spent.get(part, 0) for step in kept) for part in PARTS]
    parts.append(sum(step.beside_s for step in kept))
    tokens_s = tokens / sum(sum(step.spent.values()) for step in kept)
    return f"{tokens_s:7.1f}" + "".join(f"{s * 1e6 / tokens:8.1f}" for s in parts)


if __name__ == "__main__":
    main()
