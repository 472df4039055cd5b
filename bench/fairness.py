"""Latency under load: a stream during a long prefill, and /health during a long queue."""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import count, pairwise

from bench.bare import SEQUENCES
from bench.figure import ROUNDS, Aim, Measurement, Sides, Value
from bench.server import HOST, Server, user_message
from bench.stream import receive

STORY = user_message("Write a long story about a fox.")
TOKENS = 150
MAX_TOKENS = 3000  # of the stream, which must outlast the prefill
LONG = "The harbour was quiet and the boats lay still. " * 297  # 3,000 tokens
QUEUED = 64
PROBES = 200


def gaps(sides: Sides) -> Iterator[Value]:
    numbers = count()
    rounds = [_gaps(sides.gateway, next(numbers)) for _ in range(ROUNDS // 3 + 1)]
    alone_s = statistics.median(statistics.median(alone) for alone, _ in rounds)
    largest_s = statistics.median(max(during) for _, during in rounds)
    high_s = statistics.median(_percentile(during, 0.95) for _, during in rounds)
    for gap_s in (largest_s, high_s):
        yield gap_s / alone_s, f"{gap_s * 1e3:.0f} / {alone_s * 1e3:.0f} ms"


def _gaps(server: Server, number: int) -> tuple[list[float], list[float]]:
    """Gaps between the chunks of a stream: alone, and during the prefill of another request."""
    alone = server.stream(messages=STORY, max_tokens=TOKENS).times
    stream = server.open(messages=STORY, max_tokens=MAX_TOKENS)
    receive([stream], lambda: stream.has_text)
    prompt = server.open(messages=user_message(f"{number}. {LONG}"), max_tokens=1)
    receive([stream, prompt], lambda: prompt.has_text)
    during = [at for at in stream.times if at > prompt.started]
    if not stream.is_open:
        raise RuntimeError("the stream ended before the prefill")
    stream.close()
    prompt.close()
    return _differences(alone), _differences(during)


def health(sides: Sides) -> Iterator[Value]:
    server = sides.gateway
    stories = [
        user_message(f"Write a long story about {i} foxes.") for i in range(SEQUENCES + QUEUED)
    ]
    streams = [server.open(messages=story, max_tokens=400) for story in stories]
    connection = http.client.HTTPConnection(HOST, server.port)
    waits = [_health_s(connection) for _ in range(PROBES)]
    for stream in streams:
        stream.close()
    server.ask(messages=STORY, max_tokens=1)
    last_ms, usual_ms = 1e3 * _percentile(waits, 0.99), 1e3 * statistics.median(waits)
    yield last_ms, f"median {usual_ms:.1f} ms"


def _health_s(connection: http.client.HTTPConnection) -> float:
    began = time.perf_counter()
    connection.request("GET", "/health")
    connection.getresponse().read()
    seconds = time.perf_counter() - began
    time.sleep(0.01)
    return seconds


def _differences(times: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


def _percentile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


FAIRNESS = (
    Measurement(
        (
            Aim("largest gap during a prefill of 3,000 tokens / median gap", 3),
            Aim("95th percentile of these gaps / median gap", 3),
        ),
        gaps,
    ),
    Measurement((Aim("99th percentile of /health, 64 requests queued", 50, unit="ms"),), health),
)
