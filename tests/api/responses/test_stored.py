"""Responses that are stored, continued, listed, cancelled and deleted over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

from gateway.admission.api_keys import new_key
from gateway.api.responses.stored.store import ResponseStore
from gateway.api.signing import Signer
from tests.api.responses.asking import FUNCTIONS, asking, stream_events
from tests.api.responses.conftest import SHARED
from tests.api.responses.databases import Storage, database
from tests.fakes import Script, ScriptedAnswer, call, scripted, until

Gateway = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

PARIS = call("get_weather", {"city": "Paris"})
ENDLESS = ScriptedAnswer(["He", "llo"], finish=None)


async def create(client: httpx.AsyncClient, **fields: Any) -> Any:
    answer = await client.post("/responses", json=asking(**fields))
    assert answer.status_code == 200, answer.text
    return answer.json()


def prompt(script: Script) -> str:
    return "".join(map(str, script.requests[-1].prompt))


async def test_response_is_read_as_it_was_answered(gateway: Gateway) -> None:
    async with gateway(scripted(f"So.\n{PARIS}")) as client:
        made = await create(client, tools=FUNCTIONS)
        assert (await client.get(f"/responses/{made['id']}")).json() == made


async def test_previous_response_is_continued(gateway: Gateway) -> None:
    script = Script([scripted(PARIS), scripted("It drizzles."), scripted("Yes.")])
    async with gateway(script) as client:
        first = await create(client, input="Weather?", tools=FUNCTIONS, instructions="Be brief.")
        [called] = first["output"]
        result = {"type": "function_call_output", "call_id": called["call_id"], "output": "drizzle"}
        second = await create(
            client, input=[result], tools=FUNCTIONS, previous_response_id=first["id"]
        )
        await create(client, input="Really?", previous_response_id=second["id"])
    parts = ("Weather?", '"Paris"', "drizzle", "It drizzles.", "Really?")
    places = [prompt(script).index(part) for part in parts]
    assert places == sorted(places)
    assert "Be brief." not in prompt(script)


async def test_streamed_response_can_be_continued_as_soon_as_it_is_complete(
    gateway: Gateway,
) -> None:
    script = Script([scripted("Hi.")])
    async with gateway(script) as client:
        streamed = await client.post("/responses", json=asking(stream=True))
        id = stream_events(streamed.text)[-1]["response"]["id"]
        await create(client, previous_response_id=id, input="And?")
    assert "Hi." in prompt(script)


async def test_response_that_is_not_stored_is_unknown(gateway: Gateway) -> None:
    async with gateway(scripted("Hi.")) as client:
        made = await create(client, store=False)
        assert made["store"] is False
        for path in ("", "/input_items"):
            answer = await client.get(f"/responses/{made['id']}{path}")
            assert answer.status_code == 404
        assert (await client.delete(f"/responses/{made['id']}")).status_code == 404
        assert (await client.post(f"/responses/{made['id']}/cancel")).status_code == 404
        fields = asking(previous_response_id=made["id"])
        error = (await client.post("/responses", json=fields)).json()["error"]
        assert error["code"] == "previous_response_not_found"
        assert error["param"] == "previous_response_id"


async def test_item_references_are_resolved(gateway: Gateway) -> None:
    script = Script([scripted("Hi, Ann.")])
    async with gateway(script) as client:
        [said] = (await create(client))["output"]
        for reference in ({"type": "item_reference", "id": said["id"]}, {"id": said["id"]}):
            await create(client, input=[reference, {"role": "user", "content": "And?"}])
            assert "Hi, Ann." in prompt(script)
        unknown = asking(input=[{"type": "item_reference", "id": "msg_x"}])
        answer = await client.post("/responses", json=unknown)
    assert answer.status_code == 404
    assert answer.json()["error"]["param"] == "input.0.id"


async def test_input_items_are_listed_in_pages(gateway: Gateway) -> None:
    items = [{"role": "user", "content": f"{number}"} for number in range(5)]
    async with gateway(scripted("Hi.")) as client:
        path = f"/responses/{(await create(client, input=items))['id']}/input_items"
        newest = (await client.get(path, params={"limit": 2})).json()
        oldest = (await client.get(path, params={"limit": 4, "order": "asc"})).json()
        rest = (await client.get(path, params={"order": "asc", "after": oldest["last_id"]})).json()
        assert (await client.get(path, params={"after": "msg_x"})).status_code == 400
        assert (await client.get(path, params={"limit": 0})).status_code == 400
    texts = [item["content"][0]["text"] for item in newest["data"]]
    assert (texts, newest["has_more"]) == (["4", "3"], True)
    texts = [item["content"][0]["text"] for item in oldest["data"] + rest["data"]]
    assert (texts, rest["has_more"]) == ([*"01234"], False)
    assert oldest["first_id"] == oldest["data"][0]["id"]
    assert oldest["data"][0]["type"] == "message"


async def test_deleted_response_is_gone(gateway: Gateway) -> None:
    async with gateway(scripted("Hi.")) as client:
        path = f"/responses/{(await create(client))['id']}"
        assert (await client.delete(path)).json()["deleted"] is True
        assert (await client.get(path)).status_code == 404


async def test_key_does_not_reach_the_responses_of_another(gateway: Gateway) -> None:
    ann, anns = new_key("ann")
    bob, bobs = new_key("bob")
    async with gateway(scripted("Hi."), keys=(anns, bobs)) as client:
        client.headers["authorization"] = f"Bearer {ann}"
        made = await create(client)
        client.headers["authorization"] = f"Bearer {bob}"
        assert (await client.get(f"/responses/{made['id']}")).status_code == 404
        assert (await client.delete(f"/responses/{made['id']}")).status_code == 404
        fields = asking(previous_response_id=made["id"])
        assert (await client.post("/responses", json=fields)).status_code == 400
        client.headers["authorization"] = f"Bearer {ann}"
        assert (await client.get(f"/responses/{made['id']}")).status_code == 200


@pytest.mark.parametrize("storage", SHARED, indirect=True)
async def test_conversations_and_signatures_outlive_a_gateway(
    gateway: Gateway, storage: Storage
) -> None:
    script = Script([scripted("<think>\nHm.\n</think>\n\nHi, Ann.")])
    async with gateway(script, format="qwen3") as client:
        made = await create(client, include=["reasoning.encrypted_content"])
    [thought, _] = made["output"]
    async with gateway(script, format="qwen3") as client:
        assert (await client.get(f"/responses/{made['id']}")).json() == made
        await create(client, input="And?", previous_response_id=made["id"])
        assert "Hi, Ann." in prompt(script)
    store = ResponseStore(database(storage))
    assert Signer(store.key).verified(thought["encrypted_content"]) == "Hm."
    store.close()


async def test_input_tokens_are_counted(gateway: Gateway) -> None:
    async with gateway(scripted("Hi.")) as client:
        answer = await client.post("/responses/input_tokens", json=asking())
    assert answer.json() == {"object": "response.input_tokens", "input_tokens": 7}


@pytest.mark.parametrize("stream", [False, True])
async def test_hang_up_stores_nothing(gateway: Gateway, stream: bool) -> None:
    script = Script([ENDLESS])
    async with gateway(script) as client:
        asked = asyncio.create_task(client.post("/responses", json=asking(stream=stream)))
        await until(lambda: script.running)
        asked.cancel()
        await until(lambda: not script.running)
        assert (await client.post("/responses/resp_x/cancel")).status_code == 404
