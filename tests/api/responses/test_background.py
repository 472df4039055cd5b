"""Responses in the background: read, followed, cancelled and deleted over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from gateway.errors import EngineDied
from tests.api.responses.asking import asking, stream_events
from tests.api.responses.test_stored import ENDLESS, Gateway, create
from tests.api.samples import scrape
from tests.fakes import Script, ScriptedAnswer, scripted, until


async def finished(client: httpx.AsyncClient, id: str) -> Any:
    async with asyncio.timeout(60):
        while True:
            found = (await client.get(f"/responses/{id}")).json()
            if found["status"] not in ("queued", "in_progress"):
                return found
            await asyncio.sleep(0.01)


async def test_background_response_is_complete_later(gateway: Gateway) -> None:
    async with gateway(scripted("Hi, you.")) as client:
        made = await create(client, background=True)
        assert (made["status"], made["output"], made["background"]) == ("queued", [], True)
        found = await finished(client, made["id"])
        assert found["status"] == "completed"
        assert found["output"][0]["content"][0]["text"] == "Hi, you."
        listed = (await client.get(f"/responses/{made['id']}/input_items")).json()
        assert listed["data"][0]["content"] == [{"type": "input_text", "text": "Hello"}]
        await create(client, previous_response_id=made["id"])
        answers = (await scrape(client))["answers_total{finish=stop,model=m}"]
    assert answers == 2


async def test_background_stream_resumes_after_an_event(gateway: Gateway) -> None:
    async with gateway(scripted("Hi, you.")) as client:
        answer = await client.post("/responses", json=asking(background=True, stream=True))
        events = stream_events(answer.text)
        assert [event["type"] for event in events[:3]] == [
            "response.created",
            "response.queued",
            "response.in_progress",
        ]
        assert [event["sequence_number"] for event in events] == [*range(len(events))]
        path = f"/responses/{events[0]['response']['id']}"
        resumed = await client.get(path, params={"stream": True, "starting_after": 3})
        whole = await client.get(path, params={"stream": True})
        later = await client.get(path, params={"stream": True, "starting_after": 999})
    assert stream_events(resumed.text) == events[4:]
    assert stream_events(whole.text) == events
    assert later.text == ""


async def test_background_response_goes_on_when_its_client_hangs_up(gateway: Gateway) -> None:
    script = Script([ScriptedAnswer(["He", "llo"], finish=None)])
    async with gateway(script) as client:
        made = await create(client, background=True)
        await until(lambda: script.running)
        path = f"/responses/{made['id']}"
        assert (await client.get(path)).json()["status"] in ("queued", "in_progress")
        cancelled = (await client.post(f"{path}/cancel")).json()
        assert cancelled["status"] == "cancelled"
        assert script.running == 0
        assert (await client.post(f"{path}/cancel")).json() == cancelled
        assert (await client.get(path)).json() == cancelled
        followed = await client.get(path, params={"stream": True})
    assert stream_events(followed.text)[-1]["response"]["status"] == "cancelled"


async def test_failed_background_response_has_the_error(gateway: Gateway) -> None:
    failing = [
        ScriptedAnswer(["He"], fails=EngineDied("the worker died")),
        ScriptedAnswer(rejects=RuntimeError("a secret of the gateway's")),
    ]
    async with gateway(Script(failing)) as client:
        first = await finished(client, (await create(client, background=True))["id"])
        second = await finished(client, (await create(client, background=True))["id"])
    assert first["status"] == second["status"] == "failed"
    assert first["error"] == {"code": "engine_died", "message": "the worker died"}
    assert "secret" not in second["error"]["message"]


async def test_deleting_a_background_response_stops_it(gateway: Gateway) -> None:
    script = Script([ENDLESS])
    async with gateway(script) as client:
        made = await create(client, background=True)
        await until(lambda: script.running)
        assert (await client.delete(f"/responses/{made['id']}")).status_code == 200
        assert script.running == 0
        assert (await client.get(f"/responses/{made['id']}")).status_code == 404


async def test_background_responses_end_with_the_gateway(gateway: Gateway) -> None:
    script = Script([ENDLESS])
    async with gateway(script) as client:
        await create(client, background=True)
        await until(lambda: script.running)
    assert script.running == 0


async def test_what_is_not_in_the_background_is_neither_cancelled_nor_streamed_again(
    gateway: Gateway,
) -> None:
    async with gateway(scripted("Hi.")) as client:
        path = f"/responses/{(await create(client))['id']}"
        assert (await client.post(f"{path}/cancel")).status_code == 400
        assert (await client.get(path, params={"stream": True})).status_code == 400
        fields = asking(background=True, store=False)
        assert (await client.post("/responses", json=fields)).status_code == 400
