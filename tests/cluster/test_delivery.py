"""Which replica answers, and what the client gets if replicas are full or lost."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from starlette.types import Message

from gateway.cluster.call import Call, Part
from gateway.cluster.delivery import MAX_TRIES, Delivery
from gateway.errors import Busy, GatewayError, ReplicaLost, ReplicaUnavailable

Script = Sequence[Part | GatewayError]


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [*headers]}


def body(text: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": more}


def full(replica: str) -> Script:
    return [replica, [start(429, (b"retry-after", b"3")), body(replica.encode())]]


def answered(replica: str) -> Script:
    return [replica, [start(), body(replica.encode())]]


class Replicas:
    """Each call is answered by the next of `scripts`."""

    def __init__(self, *scripts: Script):
        self._scripts = list(scripts)
        self.calls: list[Call] = []

    async def ask(self, call: Call) -> AsyncGenerator[Part, None]:
        self.calls.append(call)
        for part in self._scripts.pop(0):
            if isinstance(part, GatewayError):
                raise part
            yield part


class Client:
    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.messages[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


async def delivered(replicas: Replicas, path: str = "/v1/chat/completions") -> Client:
    client = Client()
    await Delivery(replicas.ask, Call({"path": path, "type": "http"}, b"{}")).run(client.send)
    return client


async def test_an_answer_names_its_replica_and_leaves_the_request_id_to_rays_proxy() -> None:
    script: Script = ["a", [start(200, (b"x-request-id", b"1"), (b"x-own", b"2")), body(b"x")]]
    client = await delivered(Replicas(script))
    assert client.headers == {b"x-own": b"2", b"x-replica": b"a"}
    assert client.body == b"x"


async def test_a_full_replica_is_passed_over() -> None:
    replicas = Replicas(full("a"), full("b"), answered("c"))
    assert (await delivered(replicas)).body == b"c"
    assert [set(call.avoid) for call in replicas.calls] == [set(), {"a"}, {"a", "b"}]


async def test_the_client_sees_429_when_a_full_replica_comes_up_again() -> None:
    client = await delivered(Replicas(full("a"), full("b"), full("a")))
    assert (client.status, client.headers[b"retry-after"]) == (429, b"3")


async def test_a_request_is_offered_to_few_replicas() -> None:
    replicas = Replicas(*(full(str(i)) for i in range(9)))
    assert (await delivered(replicas)).status == 429
    assert len(replicas.calls) == MAX_TRIES


async def test_another_replica_answers_if_one_is_lost_before_its_answer() -> None:
    replicas = Replicas([ReplicaLost()], ["a", ReplicaLost()], answered("b"))
    assert (await delivered(replicas)).body == b"b"


async def test_replicas_that_are_lost_one_after_the_other_are_503() -> None:
    client = await delivered(Replicas(*([ReplicaLost()] for _ in range(9))))
    assert (client.status, client.headers[b"retry-after"]) == (503, b"1")


@pytest.mark.parametrize("error", [Busy("full", 1), ReplicaUnavailable()])
@pytest.mark.parametrize("path", ["/v1/messages", "/api/chat", "/v1/responses"])
async def test_what_no_replica_takes_is_an_error_of_the_dialect(
    error: GatewayError, path: str
) -> None:
    replicas = Replicas([error])
    client = await delivered(replicas, path)
    assert (client.status, client.headers[b"retry-after"]) == (error.status, b"1")
    assert error.message in client.body.decode()
    assert len(replicas.calls) == 1


async def test_a_stream_whose_replica_is_lost_ends_with_an_error() -> None:
    script: Script = ["a", [start(), body(b"data: 1\n\n", more=True)], ReplicaLost()]
    replicas = Replicas(script, answered("b"))
    client = await delivered(replicas)
    first, error = client.body.decode().strip().split("\n\n")
    assert first == "data: 1"
    assert json.loads(error.removeprefix("data: "))["error"]["code"] == "replica_lost"
    assert not client.messages[-1].get("more_body")
    assert len(replicas.calls) == 1


async def test_a_whole_answer_that_is_cut_off_stays_incomplete() -> None:
    script: Script = ["a", [start(200, (b"content-length", b"9"))], ReplicaLost()]
    with pytest.raises(ReplicaLost):
        await delivered(Replicas(script))
