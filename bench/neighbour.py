"""Decode speed with `threads: auto` while another process keeps one core busy."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figure import CONTEXT, ROUNDS, Aim, Measurement, Sides, Value
from bench.gateway import gateway
from bench.server import user_message

STORY = user_message("Write a long story about a fox.")
TOKENS = 60


def beside_a_busy_core(sides: Sides) -> Iterator[Value]:
    rounds = ROUNDS // 2 + 1
    alone = [TOKENS / sides.bare.decode_s(TOKENS, threads=1) for _ in range(rounds + 1)][1:]
    with gateway(CONTEXT, None) as server, _busy():
        ours = [server.stream(messages=STORY, max_tokens=TOKENS) for _ in range(rounds + 1)][1:]
    ours_s = statistics.median(stream.tokens_s for stream in ours)
    alone_s = statistics.median(alone)
    yield ours_s / alone_s, f"{ours_s:.1f} / {alone_s:.1f} tokens/s"


@contextmanager
def _busy() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


NEIGHBOUR = (
    Measurement(
        (Aim("one stream, one core kept busy / bare loop on one thread", 0.7, at_least=True),),
        beside_a_busy_core,
    ),
)
