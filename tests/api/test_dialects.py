"""Queue, limits, disconnects, keep-alive and metrics are the same for every dialect."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.admission.admission import SLOTS
from gateway.admission.api_keys import new_key
from gateway.api.streaming import KEEP_ALIVE_S
from tests.api.samples import scrape
from tests.clock import skips_waits
from tests.fakes import RawClient, Script, ScriptedAnswer, app, chat, gateway, scripted, until

LONG = ScriptedAnswer(["Once ", "upon "], finish=None)
QUESTION = [{"role": "user", "content": "Hello"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "m", "messages": QUESTION},
    "/v1/completions": {"model": "m", "prompt": "Hello"},
    "/v1/responses": {"model": "m", "input": "Hello"},
    "/v1/messages": {"model": "m", "max_tokens": 10, "messages": QUESTION},
    "/api/chat": {"model": "m", "messages": QUESTION},
    "/api/generate": {"model": "m", "prompt": "Hello"},
}
KEEP_ALIVE = {
    "/v1/messages": b'event: ping\ndata: {"type":"ping"}\n\n',
    "/api/chat": b" ",
    "/api/generate": b" ",
}


def message_of(error: Any) -> str:
    """The text of an error in any envelope."""
    inside = error["error"]
    text: str = inside if isinstance(inside, str) else inside["message"]
    return text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", BODIES)
async def test_a_disconnect_cancels_the_generation(path: str, stream: bool) -> None:
    script = Script([LONG])
    served = app(script)
    async with served.router.lifespan_context(served):
        client = RawClient(served, {**BODIES[path], "stream": stream}, path)
        visit = asyncio.create_task(client.run())
        await until(lambda: script.running == 1)
        client.gone.set()
        async with asyncio.timeout(5):
            await visit
        await until(lambda: script.running == 0)


@pytest.mark.parametrize("path", BODIES)
async def test_a_full_queue_is_told_in_the_envelope(path: str) -> None:
    script = Script([LONG] * SLOTS)
    served = app(script, queue=0)
    async with served.router.lifespan_context(served):
        holder = RawClient(served, chat(stream=True, n=SLOTS))
        holding = asyncio.create_task(holder.run())
        await until(lambda: script.running == SLOTS)
        late = RawClient(served, BODIES[path], path)
        await late.run()
        holder.gone.set()
        await holding
    start, *parts = late.sent
    assert start["status"] == 429
    assert b"retry-after" in dict(start["headers"])
    answer = json.loads(b"".join(part.get("body", b"") for part in parts))
    assert "at capacity" in message_of(answer)


@pytest.mark.parametrize("path", BODIES)
async def test_a_key_has_one_rate_limit_for_all(path: str) -> None:
    secret, key = new_key("bob", rate=1)
    headers = {"x-api-key": secret}
    async with gateway(scripted("Hi"), keys=[key]) as client:
        first = await client.post("/chat/completions", json=chat(), headers=headers)
        second = await client.post(f"http://gateway{path}", json=BODIES[path], headers=headers)
    assert (first.status_code, second.status_code) == (200, 429)
    assert "retry-after" in second.headers
    assert message_of(second.json())


@pytest.mark.parametrize("path", BODIES)
@skips_waits
async def test_a_silent_stream_is_kept_alive(path: str) -> None:
    served = app(Script([LONG]))
    async with served.router.lifespan_context(served):
        client = RawClient(served, {**BODIES[path], "stream": True}, path)
        visit = asyncio.create_task(client.run())
        await asyncio.sleep(3.5 * KEEP_ALIVE_S)
        client.gone.set()
        await visit
    alive = KEEP_ALIVE.get(path, b": ping\n\n")
    assert [part["body"] for part in client.sent if part.get("body") == alive] == [alive] * 3


@pytest.mark.parametrize("path", BODIES)
async def test_answers_are_counted_by_route(path: str) -> None:
    async with gateway(scripted("Hi")) as client:
        await client.post(f"http://gateway{path}", json={**BODIES[path], "stream": False})
        told = await scrape(client)
    assert told[f"requests_total{{model=m,route={path},status=200}}"] == 1
    assert told["answers_total{finish=stop,model=m}"] == 1
    assert told["prompt_tokens_total{model=m}"] == 7
