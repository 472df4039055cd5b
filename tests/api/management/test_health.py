"""What monitors poll: health, liveness and readiness."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from gateway.admission.api_keys import new_key
from tests.clock import skips_waits
from tests.fakes import TOOLS, Script, app, call, chat, gateway, scripted

LIVE, READY = "http://gateway/livez", "http://gateway/readyz"
MODELS = "http://gateway/v1/models"


async def test_health_lists_the_loaded_models() -> None:
    async with gateway(scripted("Hi")) as client:
        health = "http://gateway/health"
        before = (await client.get(health)).json()
        assert (before["status"], before["loaded"], before["wrong"]) == ("ok", [], {})
        await client.post("/chat/completions", json=chat())
        after = (await client.get(health)).json()
    assert (after["loaded"], after["states"]) == (["m"], {"m": "ready"})


async def test_health_counts_answers_calls_and_notes() -> None:
    script = Script(
        [scripted(call("get_time", {"city": "Rome"})), scripted("<tool_call>no"), scripted("Hi")]
    )
    async with gateway(script) as client:
        for _ in range(3):
            await client.post("/chat/completions", json=chat(tools=TOOLS))
        counts = (await client.get("http://gateway/health")).json()["counts"]
    assert json.dumps(counts) == '{"m": {"answers": 3, "calls": 1, "noted": 1}}'


@pytest.mark.parametrize("path", ["health", "livez", "readyz"])
async def test_probe_needs_no_key_and_answers_head_requests(path: str) -> None:
    async with gateway(scripted("Hi"), keys=[new_key("alice")[1]]) as client:
        got = await client.get(f"http://gateway/{path}")
        asked = await client.head(f"http://gateway/{path}")
    assert (got.status_code, asked.status_code, asked.content) == (200, 200, b"")


@skips_waits
async def test_preload_loads_the_model_at_startup() -> None:
    async with gateway(scripted("Hi"), preload=True) as client:
        while True:
            health = (await client.get("http://gateway/health")).json()
            if health["loaded"] == ["m"]:
                break
            assert health["states"] == {"m": "loading"}
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("source", "becomes"), [("models.yaml", ""), ("no/such.gguf", "failed")])
@skips_waits
async def test_gateway_is_ready_once_its_preloaded_models_are_loaded(
    source: str, becomes: str
) -> None:
    async with gateway(scripted("Hi"), preload=True, source=source) as client:
        while "m (loading)" in (answer := await client.get(READY)).text:
            assert answer.status_code == 503
            await asyncio.sleep(0.01)
    if becomes:
        reason = f"preloaded models are not loaded: m ({becomes})"
        assert (answer.status_code, answer.json()["reason"]) == (503, reason)
    else:
        assert (answer.status_code, answer.json()) == (200, {"status": "ok", "reason": None})


async def test_gateway_is_ready_although_a_model_that_is_not_preloaded_is_not_loaded() -> None:
    async with gateway(scripted("Hi")) as client:
        assert (await client.get(READY)).status_code == 200


async def test_gateway_that_shuts_down_is_alive_and_not_ready() -> None:
    served = app(Script([scripted("Hi")]))
    async with served.router.lifespan_context(served):
        served.state.admission.close()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(served)) as client:
            alive, ready, other = [await client.get(path) for path in (LIVE, READY, MODELS)]
    assert alive.status_code == 200
    assert (ready.status_code, ready.json()["reason"]) == (503, "the gateway is shutting down")
    assert (other.status_code, other.json()["error"]["code"]) == (503, "shutting_down")
