"""Queueing, deadlines and shutdown under load."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.admission.admission import SLOTS
from gateway.admission.api_keys import new_key
from tests.api.samples import scrape
from tests.clock import skips_waits
from tests.fakes import (
    RawClient,
    Script,
    ScriptedAnswer,
    app,
    chat,
    config,
    events,
    gateway,
    scripted,
    until,
)

LONG = ScriptedAnswer(["Once ", "upon "], finish=None)


@asynccontextmanager
async def full(script: Script, **more: Any) -> AsyncIterator[tuple[FastAPI, RawClient]]:
    """Yields a gateway whose model has no free slot, and the client that occupies the slots."""
    served = app(script, **more)
    async with served.router.lifespan_context(served):
        holder = RawClient(served, chat(stream=True, n=SLOTS))
        holding = asyncio.create_task(holder.run())
        await until(lambda: script.running == SLOTS)
        yield served, holder
        holder.gone.set()
        await holding


def status(visitor: RawClient) -> int:
    found: int = visitor.sent[0]["status"]
    return found


def headers(visitor: RawClient) -> dict[bytes, bytes]:
    return dict(visitor.sent[0]["headers"])


def body(visitor: RawClient) -> str:
    return b"".join(message.get("body", b"") for message in visitor.sent).decode()


@pytest.mark.parametrize("stream", [False, True])
async def test_full_queue_returns_429_with_retry_after(stream: bool) -> None:
    script = Script([LONG] * SLOTS + [scripted("Hi")])
    async with full(script, queue=0) as (served, _):
        late = RawClient(served, chat(stream=stream))
        await late.run()
        assert status(late) == 429
        assert 0 < int(headers(late)[b"retry-after"]) <= 60
        error = json.loads(body(late))["error"]
    assert error["code"] == "rate_limit_exceeded"
    assert "model 'm' is at capacity: 16 slots in use" in error["message"]


async def test_waiting_requests_are_counted() -> None:
    script = Script([LONG] * SLOTS + [scripted("Hi")])
    async with full(script, queue=1) as (served, holder):
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport) as client:
            before = await scrape(client)
            visit = asyncio.create_task(RawClient(served, chat()).run())
            await until(lambda: served.state.admission.waiting["m"] == 1)
            told = await scrape(client)
        holder.gone.set()
        await visit
    assert before["requests_waiting{model=m}"] == 0
    assert told["requests_waiting{model=m}"] == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_queued_request_starts_when_a_slot_is_free(stream: bool) -> None:
    script = Script([LONG] * SLOTS + [scripted("Hi")])
    async with full(script, queue=1) as (served, holder):
        waiting = RawClient(served, chat(stream=stream))
        visit = asyncio.create_task(waiting.run())
        await until(lambda: served.state.admission.waiting["m"] == 1)
        assert len(script.requests) == SLOTS
        holder.gone.set()
        await visit
    assert status(waiting) == 200
    assert '"Hi"' in body(waiting)


@pytest.mark.parametrize("stream", [False, True])
async def test_queued_request_fails_if_the_model_becomes_an_embedding_model(stream: bool) -> None:
    async with full(Script([LONG] * SLOTS), queue=1) as (served, holder):
        waiting = RawClient(served, chat(stream=stream))
        visit = asyncio.create_task(waiting.run())
        await until(lambda: served.state.admission.waiting["m"] == 1)
        served.state.registry.change(config(embeddings=True))
        holder.gone.set()
        await visit
    assert status(waiting) == 400
    assert "makes embeddings and generates no text" in body(waiting)


@pytest.mark.parametrize("stream", [False, True])
async def test_disconnected_request_leaves_the_queue(stream: bool) -> None:
    script = Script([LONG])
    async with full(script, queue=1) as (served, _):
        for _ in range(3):  # a leftover request would fill the queue
            waiting = RawClient(served, chat(stream=stream))
            visit = asyncio.create_task(waiting.run())
            await until(lambda: served.state.admission.waiting["m"] == 1)
            waiting.gone.set()
            await visit
            assert status(waiting) == 499
    assert len(script.requests) == SLOTS


async def test_keys_are_served_in_turn() -> None:
    script = Script([LONG] * SLOTS + [scripted("Hi")])
    made = {name: new_key(name) for name in ("alice", "bob")}
    served = app(script, keys=[key for _, key in made.values()])
    order: list[str] = []

    async def ask(client: httpx.AsyncClient, name: str, **more: Any) -> None:
        bearer = {"Authorization": f"Bearer {made[name][0]}"}
        await client.post("/v1/chat/completions", json=chat(**more), headers=bearer)
        order.append(name)

    async with served.router.lifespan_context(served):
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            holding = asyncio.create_task(ask(client, "alice", n=SLOTS))
            await until(lambda: script.running == SLOTS)
            crowd = []
            for name in ("alice", "alice", "alice", "bob"):
                # Each request occupies all slots, so that they run one after another.
                crowd.append(asyncio.create_task(ask(client, name, n=SLOTS)))
                await until(lambda: served.state.admission.waiting["m"] == len(crowd))
            holding.cancel()
            await asyncio.wait(crowd)
    assert order == ["alice", "bob", "alice", "alice"]


@skips_waits
async def test_queued_stream_starts_early_and_sends_keep_alive_comments() -> None:
    script = Script([LONG] * SLOTS + [scripted("Hi")])
    async with full(script) as (served, holder):
        waiting = RawClient(served, chat(stream=True))
        visit = asyncio.create_task(waiting.run())
        await until(lambda: body(waiting).count(": ping") > 2)
        assert status(waiting) == 200
        holder.gone.set()
        await visit
    told = [event for event in body(waiting).split("\n\n") if not event.startswith(":")]
    assert events("\n\n".join(told))[0]["choices"][0]["delta"]["role"] == "assistant"


@skips_waits
async def test_error_of_a_started_queued_stream_is_an_error_event() -> None:
    script = Script([LONG])
    async with full(script) as (served, _):
        waiting = RawClient(served, chat(stream=True))
        visit = asyncio.create_task(waiting.run())
        await until(lambda: bool(waiting.sent))
        served.state.admission.close()
        await visit
    assert status(waiting) == 200
    assert [event["error"]["code"] for event in events(body(waiting))] == ["shutting_down"]


@skips_waits
async def test_disconnected_queued_stream_leaves_the_queue() -> None:
    script = Script([LONG])
    async with full(script, queue=1) as (served, _):
        for _ in range(2):
            waiting = RawClient(served, chat(stream=True))
            visit = asyncio.create_task(waiting.run())
            await until(lambda: served.state.admission.waiting["m"] == 1)
            await until(partial(bool, waiting.sent))
            waiting.gone.set()
            await visit
            assert status(waiting) == 200
    assert len(script.requests) == SLOTS


@pytest.mark.parametrize("settings", [{}, {"timeout_s": 5}])
@skips_waits
async def test_exceeded_deadline_returns_a_timeout_error_that_is_not_retried(
    settings: dict[str, Any],
) -> None:
    asked = {} if settings else {"timeout_s": 5}
    script = Script([LONG])
    async with gateway(script, settings) as client:
        answer = await client.post("/chat/completions", json=chat(**asked))
        stream = await client.post("/chat/completions", json=chat(stream=True, **asked))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "timeout"
    *chunks, last = events(stream.text)
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks] == [
        None,
        "Once ",
        "upon ",
    ]
    assert last["error"] == answer.json()["error"]
    assert script.running == 0


@pytest.mark.parametrize("timeout_s", [0, -1, "5", True])
async def test_invalid_timeout_s_is_rejected(timeout_s: Any) -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/chat/completions", json=chat(timeout_s=timeout_s))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "timeout_s"


async def test_shutdown_rejects_new_and_queued_requests_and_aborts_running_ones() -> None:
    script = Script([LONG])
    async with full(script) as (served, running):
        waiting = [RawClient(served, chat(stream=stream)) for stream in (False, True)]
        visits = [asyncio.create_task(visitor.run()) for visitor in waiting]
        await until(lambda: served.state.admission.waiting["m"] == 2)
        served.state.admission.close()
        await asyncio.wait(visits)
        new = RawClient(served, chat())
        await new.run()
        for visitor in (*waiting, new):
            assert status(visitor) == 503
            assert int(headers(visitor)[b"retry-after"]) > 0
            assert headers(visitor)[b"connection"] == b"close"
            assert json.loads(body(visitor))["error"]["code"] == "shutting_down"
        assert script.running == SLOTS
        served.state.admission.abort()
        await until(lambda: script.running == 0)
        await until(lambda: "error" in body(running))
    assert events(body(running))[-1]["error"]["code"] == "shutting_down"
