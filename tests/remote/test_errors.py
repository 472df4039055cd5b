"""Failures of a remote engine become errors in the envelope, and the gateway stays up."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.fakes import TOOLS, RawClient, chat, events, until
from tests.remote.scripted import Engine, Writes, app_before, gateway_before, writes

HASTY = {"timeout_s": 0.2, "connect_s": 0.2}
LONG = '{"error": {"message": "maximum context length is 8 tokens"}}'


@pytest.mark.parametrize(
    ("status", "body", "expected", "code"),
    [
        (500, "oops", 502, "remote_failed"),
        (502, "", 502, "remote_failed"),
        (302, "", 502, "remote_failed"),
        (503, '{"detail": "loading"}', 503, "remote_busy"),
        (429, '{"message": "slow down"}', 503, "remote_busy"),
        (400, '{"error": {"message": "bad"}}', 400, None),
        (400, LONG, 400, "context_length_exceeded"),
        (401, '{"error": "key"}', 424, "model_unusable"),
        (404, '{"error": "no such model"}', 424, "model_unusable"),
    ],
)
async def test_an_error_status_of_the_engine_becomes_one_that_tells_whether_to_retry(
    status: int, body: str, expected: int, code: str | None
) -> None:
    engine = Engine([Writes(status=status, raw=body), writes("Hi")])
    async with gateway_before(engine) as client:
        response = await client.post("/chat/completions", json=chat(stream=True))
        assert (response.status_code, response.json()["error"]["code"]) == (expected, code)
        assert (await client.post("/chat/completions", json=chat())).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_an_unreachable_engine_is_a_502(stream: bool) -> None:
    source = "http://127.0.0.1:9/v1"
    async with gateway_before(writes("Hi"), source=source, remote=HASTY) as client:
        response = await client.post("/chat/completions", json=chat(stream=stream))
        assert (response.status_code, response.json()["error"]["code"]) == (502, "remote_failed")
        assert (await client.get("http://gateway/health")).status_code == 200


async def test_an_unreachable_engine_is_tried_again_with_each_request() -> None:
    source, remote = "http://127.0.0.1:9/v1", {**HASTY, "grammar": "vllm"}
    async with gateway_before(writes("Hi"), source=source, remote=remote, preload=True) as client:
        for _ in range(3):
            response = await client.post("/chat/completions", json=chat())
            assert response.status_code == 502
        health = (await client.get("http://gateway/health")).json()
    assert health["states"] == {"m": "failed"}
    assert "can't connect" in health["wrong"]["m"]


@pytest.mark.parametrize(
    ("says", "code"),
    [
        (writes("Once upon", then="stall"), "remote_timeout"),
        (writes("Once upon", then="drop"), "remote_failed"),
        (writes("Once upon", then="close"), "remote_failed"),
        (writes("Once upon", finish="abort"), "remote_failed"),
        (Writes(raw="data: nonsense\n\n"), "remote_failed"),
        (Writes(raw='data: {"error": {"message": "out of memory"}}\n\n'), "remote_failed"),
        (Writes(raw='error: {"message": "out of memory"}\n\n'), "remote_failed"),
        (Writes(raw="<html></html>", then="close"), "remote_failed"),
    ],
)
@pytest.mark.parametrize("tools", [[], TOOLS], ids=["plain", "checked"])
async def test_an_incomplete_answer_ends_in_an_error(
    says: Writes, code: str, tools: list[object]
) -> None:
    remote = HASTY if code == "remote_timeout" else {}
    async with gateway_before(Engine([says]), remote=remote) as client:
        body = chat(**({"tools": tools} if tools else {}))
        whole = await client.post("/chat/completions", json=body)
        assert whole.json()["error"]["code"] == code
        assert whole.status_code == {"remote_timeout": 504, "remote_failed": 502}[code]
        chunks = events(
            (await client.post("/chat/completions", json={**body, "stream": True})).text
        )
        assert chunks[-1]["error"]["code"] == code


@pytest.mark.parametrize("tools", [[], TOOLS], ids=["plain", "checked"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_disconnect_closes_the_connection_to_the_engine(
    stream: bool, tools: list[object]
) -> None:
    engine = Engine([writes("Once upon", then="stall")])
    more = {"tools": tools} if tools else {}
    async with app_before(engine) as app:
        client = RawClient(app, chat(stream=stream, **more))
        visit = asyncio.create_task(client.run())
        await until(lambda: bool(engine.requests))
        client.gone.set()
        async with asyncio.timeout(5):
            await visit
        await until(lambda: not engine.running)


async def test_the_error_for_a_missing_key_names_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    async with gateway_before(writes("Hi"), remote={"key": "NO_SUCH_KEY"}) as client:
        response = await client.post("/chat/completions", json=chat())
    assert response.status_code == 424
    assert "NO_SUCH_KEY" in json.dumps(response.json())
