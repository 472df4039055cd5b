"""What a second replica on Ray Serve brings, and what Ray costs: `python -m bench.cluster`.

Prints a table. It takes four minutes; the machine must be idle. Each replica is bound to one CPU,
and computes with one thread. One and two replicas take turns, since the speed of a machine drifts.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import yaml

from bench.bare import SOURCE
from bench.gateway import TEMPLATE, gateway_of
from bench.machine import build, here
from bench.server import Message, Server, user_message
from tests.cluster.local.cluster import Cluster, cluster

ENTRY = {"context": 16384, "threads": 1, "preload": True, "sampling": {"temperature": 0}}
STREAMS, ANSWER = 16, 96  # tokens of each answer
ROUNDS = 3
WARM = 40  # requests of which the median is taken
CONVERSATIONS, TURNS, REPLY = 8, 5, 16
TOOL_RESULT = "The file has these lines, of which each describes one part of the machine. " * 8
ROW = "| {:<68} | {:>12} | {:>8} | {:>6} |"

new_number = count().__next__


def main() -> None:
    print(here("1"), f"gateway: {build()}", "", sep="\n")
    with gateway_of({"m": ENTRY}) as alone, cluster(_models_yaml(), 2, 1) as running:
        behind_ray = _server(running)
        firsts = _first_token_s(alone, behind_ray)
        speeds: dict[int, list[float]] = {2: [], 1: []}
        computed: dict[int, int] = {}
        for _ in range(ROUNDS):
            for replicas, found in speeds.items():
                if len(running.replicas()) != replicas:
                    running.scale(replicas)
                found.append(_tokens_s(behind_ray))
                computed[replicas] = computed.get(replicas) or _computed_tokens(behind_ray)
    medians = {replicas: statistics.median(found) for replicas, found in speeds.items()}
    print(ROW.format("", "value", "", "aim"), "|---|--:|--:|--:|", sep="\n")
    for row in _rows(firsts, medians, computed):
        print(ROW.format(*row))


def _rows(
    firsts: tuple[float, float], speeds: Mapping[int, float], computed: Mapping[int, int]
) -> Iterator[tuple[str, str, str, str]]:
    gain = f"{speeds[2] / speeds[1]:.2f}"
    yield f"one replica on one CPU, {STREAMS} streams", f"{speeds[1]:.0f} tokens/s", "", ""
    yield "two replicas on one CPU each, the same", f"{speeds[2]:.0f} tokens/s", gain, "≥ 1.8"
    alone_ms, behind_ms = (1000 * seconds for seconds in firsts)
    share = f"+{behind_ms - alone_ms:.1f} ms"
    yield "time to the first token, warm, median, without Ray", f"{alone_ms:.1f} ms", "", ""
    yield "the same behind Ray Serve", f"{behind_ms:.1f} ms", share, "≤ 15 ms"
    title = f"{CONVERSATIONS} agents of {TURNS} turns on one replica: prompt tokens computed"
    yield title, f"{computed[1]}", "", ""
    ratio = f"{computed[2] / computed[1]:.3f}"
    yield "the same on two replicas", f"{computed[2]}", ratio, "≤ 1.05"


def _models_yaml() -> str:
    entry = {**ENTRY, "source": SOURCE, "format": "hermes", "template": TEMPLATE.stem}
    return yaml.safe_dump({"models": {"m": entry}})


def _server(running: Cluster) -> Server:
    port = urlsplit(running.url).port
    assert port
    return Server(port, running.driver)


def _tokens_s(server: Server) -> float:
    """All tokens of simultaneous answers, by the time until the last has ended."""
    asked = [f"Story {new_number()}: tell it at length." for _ in range(STREAMS)]
    began_s = time.perf_counter()
    streams = server.streams(
        [{"messages": user_message(one), "max_tokens": ANSWER, "temperature": 1} for one in asked]
    )
    tokens = sum(stream.usage["completion_tokens"] for stream in streams)
    return float(tokens / (time.perf_counter() - began_s))


def _first_token_s(*servers: Server) -> tuple[float, float]:
    """The median of each server, which take turns; its prompt is cached."""
    body: dict[str, Any] = {"messages": user_message(TOOL_RESULT), "max_tokens": 2}
    found: list[list[float]] = [[] for _ in servers]
    for number in range(WARM + 4):
        for server, seconds in zip(servers, found, strict=True):
            first_s = server.stream(**body).first_s
            seconds += [first_s] if number >= 4 else []  # the first ones fill the caches
    alone, behind = map(statistics.median, found)
    return alone, behind


def _computed_tokens(server: Server) -> int:
    """The prompt tokens that were not cached, of agents that take turns at the same time."""
    histories: list[list[Message]] = [
        [{"role": "system", "content": "You are an agent."}] for _ in range(CONVERSATIONS)
    ]
    computed = 0
    for turn in range(TURNS):
        for history in histories:
            history += user_message(f"Step {turn} of task {new_number()}. {TOOL_RESULT}")
        bodies = [{"messages": [*history], "max_tokens": REPLY} for history in histories]
        streams = server.streams(bodies)
        for history, stream in zip(histories, streams, strict=True):
            history.append({"role": "assistant", "content": stream.text})
            computed += stream.usage["prompt_tokens"]
            computed -= stream.usage["prompt_tokens_details"]["cached_tokens"]
    return computed


if __name__ == "__main__":
    main()
