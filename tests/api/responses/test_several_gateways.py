"""Gateways that share a database: each continues, reads, cancels and deletes what another makes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from gateway.admission.api_keys import new_key
from gateway.api.responses.stored import store as storing
from tests.api.responses.asking import asking, stream_events
from tests.api.responses.conftest import SHARED
from tests.api.responses.test_background import finished
from tests.api.responses.test_stored import ENDLESS, Gateway, create, prompt
from tests.fakes import Script, scripted, until

pytestmark = pytest.mark.parametrize("storage", SHARED, indirect=True)


async def test_conversation_moves_between_gateways(gateway: Gateway) -> None:
    script = Script([scripted("<think>\nHm.\n</think>\n\nHi, Ann.")])
    async with gateway(script, format="qwen3") as one, gateway(script, format="qwen3") as other:
        include = ["reasoning.encrypted_content"]
        first = await create(one, include=include)
        second = await create(other, previous_response_id=first["id"], input="And?")
        await create(one, previous_response_id=second["id"], input="So?")
        assert prompt(script).count("Hi, Ann.") == 2
        thought, said = first["output"]
        assert thought["encrypted_content"]
        await create(other, input=[{"role": "user", "content": "Hi"}, thought, said])
        assert (await other.get(f"/responses/{first['id']}")).json() == first
        assert (await other.delete(f"/responses/{first['id']}")).status_code == 200
        assert (await one.get(f"/responses/{first['id']}")).status_code == 404


async def test_keys_are_apart_at_every_gateway(gateway: Gateway) -> None:
    (ann, anns), (bob, bobs) = new_key("ann"), new_key("bob")
    keys = (anns, bobs)
    async with (
        gateway(scripted("Hi."), keys=keys) as one,
        gateway(scripted("Hi."), keys=keys) as other,
    ):
        one.headers["authorization"] = f"Bearer {ann}"
        path = f"/responses/{(await create(one))['id']}"
        other.headers["authorization"] = f"Bearer {bob}"
        assert (await other.get(path)).status_code == 404
        assert (await other.post(f"{path}/cancel")).status_code == 404
        other.headers["authorization"] = f"Bearer {ann}"
        assert (await other.get(path)).status_code == 200


async def test_background_response_is_seen_at_another_gateway(gateway: Gateway) -> None:
    async with gateway(scripted("Hi.")) as one, gateway(scripted("Hi.")) as other:
        made = await create(one, background=True)
        found = await finished(other, made["id"])
        assert found == (await one.get(f"/responses/{made['id']}")).json()
        assert found["status"] == "completed"
        assert found["output"]
        streamed = await other.get(f"/responses/{made['id']}", params={"stream": True})
        assert streamed.status_code == 400
        assert "is not kept at this gateway" in streamed.json()["error"]["message"]


async def test_background_response_is_cancelled_at_another_gateway(gateway: Gateway) -> None:
    script = Script([ENDLESS])
    async with gateway(script) as one, gateway(script) as other:
        path = f"/responses/{(await create(one, background=True))['id']}"
        await until(lambda: script.running)
        await has_status(other, path, "in_progress")
        listed = (await other.get(f"{path}/input_items")).json()["data"]
        assert listed[0]["content"] == [{"type": "input_text", "text": "Hello"}]
        following = asyncio.create_task(one.get(path, params={"stream": True}))
        cancelled = (await other.post(f"{path}/cancel")).json()
        assert cancelled["status"] == "cancelled"
        assert script.running == 0
        assert (await one.get(path)).json() == cancelled
        last = stream_events((await following).text)[-1]
        assert last["response"] == cancelled


async def test_background_response_is_deleted_at_another_gateway(gateway: Gateway) -> None:
    script = Script([ENDLESS])
    async with gateway(script) as one, gateway(script) as other:
        path = f"/responses/{(await create(one, background=True))['id']}"
        await until(lambda: script.running)
        assert (await other.delete(path)).status_code == 200
        await until(lambda: not script.running)
        await is_gone(one, path)
        assert (await one.get(path, params={"stream": True})).status_code == 404


async def test_what_was_deleted_elsewhere_is_no_longer_streamed(gateway: Gateway) -> None:
    async with gateway(scripted("Hi.")) as one, gateway(scripted("Hi.")) as other:
        made = await create(one, background=True)
        await finished(one, made["id"])
        path = f"/responses/{made['id']}"
        assert (await other.delete(path)).status_code == 200
        for params in ({}, {"stream": True}):
            assert (await one.get(path, params=params)).status_code == 404


async def test_response_in_progress_is_not_continued(gateway: Gateway) -> None:
    async with gateway(Script([ENDLESS])) as one, gateway(scripted("Hi.")) as other:
        made = await create(one, background=True)
        asked = asking(previous_response_id=made["id"])
        answer = await other.post("/responses", json=asked)
        assert answer.json()["error"]["code"] == "previous_response_not_found"


async def test_gateway_that_shuts_down_fails_its_responses(gateway: Gateway) -> None:
    async with gateway(scripted("Hi.")) as other:
        async with gateway(Script([ENDLESS])) as one:
            path = f"/responses/{(await create(one, background=True))['id']}"
        found = (await other.get(path)).json()
    assert (found["status"], found["error"]["code"]) == ("failed", "shutting_down")


async def test_cancelling_what_a_dead_gateway_generated_tells_that_it_failed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "MAX_SILENCE_S", -1)
    async with AsyncExitStack() as gateways:
        one, other = [await gateways.enter_async_context(gateway(Script([ENDLESS]))) for _ in "12"]
        path = f"/responses/{(await create(one, background=True))['id']}"
        assert (await other.post(f"{path}/cancel")).json()["status"] == "failed"


async def has_status(client: httpx.AsyncClient, path: str, status: str) -> Any:
    async with asyncio.timeout(60):
        while (await client.get(path)).json()["status"] != status:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def is_gone(client: httpx.AsyncClient, path: str) -> None:
    async with asyncio.timeout(60):
        while (await client.get(path)).status_code != 404:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
