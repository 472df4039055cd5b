"""Replicas that are killed, full or removed, and clients that hang up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cluster.local.cluster import Cluster, until
from tests.cluster.local.test_answers import chat

pytestmark = pytest.mark.cluster

STORY = [{"role": "user", "content": "Write a very long story about a river and a town."}]
LONG = {"messages": STORY, "max_tokens": 200, "temperature": 1.2, "stream": True}


@dataclass(slots=True)
class Stream:
    """What a client has read of a stream; `ended` is set at its end."""

    path: str
    replica: str = ""
    lines: list[str] = field(default_factory=list)
    has_begun: threading.Event = field(default_factory=threading.Event)

    def read(self, cluster: Cluster) -> Stream:
        with cluster.http as http, http.stream("POST", self.path, json=BODIES[self.path]) as answer:
            assert answer.status_code == 200, answer.read()
            self.replica = answer.headers["x-replica"]
            for line in answer.iter_lines():
                self.lines += [line] if line else []
                self.has_begun.set()
        return self


BODIES = {
    "/v1/chat/completions": chat(**LONG),
    "/v1/responses": {
        "model": "smollm2",
        "input": STORY,
        "max_output_tokens": 200,
        "temperature": 1.2,
        "stream": True,
    },
    "/v1/messages": {**chat(**LONG), "temperature": 1},
    "/api/chat": {"model": "smollm2", "messages": STORY, "options": {"num_predict": 200}},
}


def openai_error(lines: list[str]) -> str:
    return str(json.loads(lines[-1].removeprefix("data: "))["error"]["code"])


def responses_error(lines: list[str]) -> str:
    assert lines[-2] == "event: error"
    error = json.loads(lines[-1].removeprefix("data: "))
    before = json.loads(lines[-3].removeprefix("data: "))
    assert error["sequence_number"] == before["sequence_number"] + 1
    return str(error["code"])


def anthropic_error(lines: list[str]) -> str:
    assert lines[-2] == "event: error"
    return str(json.loads(lines[-1].removeprefix("data: "))["error"]["type"])


def ollama_error(lines: list[str]) -> str:
    return "replica" if "replica" in json.loads(lines[-1])["error"] else ""


ERRORS: dict[str, tuple[Callable[[list[str]], str], str]] = {
    "/v1/chat/completions": (openai_error, "replica_lost"),
    "/v1/responses": (responses_error, "replica_lost"),
    "/v1/messages": (anthropic_error, "overloaded_error"),
    "/api/chat": (ollama_error, "replica"),
}
LAST = {
    "/v1/chat/completions": "data: [DONE]",
    "/v1/responses": '"type":"response.',
    "/v1/messages": '"type":"message_stop"',
    "/api/chat": '"done":true',
}


@contextmanager
def reading(cluster: Cluster, paths: list[str]) -> Iterator[Callable[[], list[Stream]]]:
    """Streams that have all begun; the function returns them when they have ended."""
    streams = [Stream(path) for path in paths]
    with ThreadPoolExecutor(len(streams)) as pool:
        ends = [pool.submit(stream.read, cluster) for stream in streams]
        until(lambda: all(one.has_begun.is_set() for one in streams) or any(map(_failed, ends)))
        yield lambda: [end.result() for end in ends]


def _failed(end: object) -> bool:
    return bool(end.done() and end.exception())  # type: ignore[attr-defined]


def total(cluster: Cluster, name: str, **labels: str) -> float:
    """The sum of a metric over all replicas."""
    families = text_string_to_metric_families(cluster.get("/metrics").text)
    samples = [one for family in families for one in family.samples if one.name == name]
    return sum(one.value for one in samples if one.labels.items() >= labels.items())


def running_sequences(cluster: Cluster) -> float:
    return total(cluster, "tool_gateway_sequences_running")


def unfinished_answers(cluster: Cluster) -> float:
    return total(cluster, "tool_gateway_answers_total", finish="unfinished")


def kill(process: psutil.Process) -> list[psutil.Process]:
    """Kills a replica's process; returns those that it had started."""
    workers = process.children(recursive=True)
    process.kill()
    return workers


def test_a_killed_replica_costs_its_answers_and_no_others(running: Cluster) -> None:
    with reading(running, [*BODIES] * 2) as ended:
        workers = kill(running.processes()[0])
        streams = ended()
    by_replica = {one.replica: [s for s in streams if s.replica == one.replica] for one in streams}
    assert len(by_replica) == 2
    [gone] = by_replica.keys() - running.replicas()
    for stream in by_replica.pop(gone):
        read, expected = ERRORS[stream.path]
        assert read(stream.lines) == expected
    for stream in [s for rest in by_replica.values() for s in rest]:
        assert LAST[stream.path] in stream.lines[-1]
    assert running.post("/v1/chat/completions", chat()).status_code == 200
    until(lambda: not any(one.is_running() for one in workers))


def test_answers_that_have_not_begun_are_written_by_another_replica(running: Cluster) -> None:
    body = {**chat(**LONG), "stream": False}
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(running.post, "/v1/chat/completions", body) for _ in range(4)]
        until(lambda: running_sequences(running) == 4)
        kill(running.processes()[0])
        found = [answer.result() for answer in answers]
    assert [one.status_code for one in found] == [200] * 4


def test_a_hang_up_frees_the_slots(running: Cluster) -> None:
    before = unfinished_answers(running)
    body = {**chat(**LONG), "max_tokens": 4000, "n": 16}
    with running.http as http, http.stream("POST", "/v1/chat/completions", json=body) as answer:
        next(answer.iter_lines())
        until(lambda: running_sequences(running) > 0)
    until(lambda: running_sequences(running) == 0)
    until(lambda: unfinished_answers(running) > before)


def test_a_full_replica_passes_requests_on_until_all_are_full(running: Cluster) -> None:
    sticky = {"x-session-id": "crowded"}
    every_slot = {**chat(**LONG), "n": 16}
    with ExitStack() as stack:
        http = stack.enter_context(running.http)
        post = partial(http.stream, "POST", "/v1/chat/completions", json=every_slot, headers=sticky)
        found = [stack.enter_context(post()) for _ in range(3)]
        assert [one.status_code for one in found] == [200, 200, 429]
        assert {one.headers["x-replica"] for one in found[:2]} == running.replicas()
        assert found[2].headers["retry-after"]
        refused = running.post("/v1/messages", chat())
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")


def test_a_killed_ingress_comes_back(running: Cluster) -> None:
    [ingress] = running.processes("ingress")
    kill(ingress)

    def is_back() -> bool:
        return running.post("/v1/chat/completions", chat()).status_code == 200

    until(is_back)


def test_a_replica_that_is_removed_finishes_its_answers(running: Cluster) -> None:
    with reading(running, ["/v1/chat/completions"] * 8) as ended:
        running.scale(1)
        streams = ended()
    assert len({stream.replica for stream in streams}) == 2
    assert all(stream.lines[-1] == "data: [DONE]" for stream in streams)
    running.scale(2)
