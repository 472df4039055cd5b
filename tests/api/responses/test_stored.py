"""Responses that are stored, continued, listed, cancelled and deleted over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.admission.api_keys import new_key
from gateway.api.responses.stored.store import ResponseStore
from gateway.api.signing import Signer
from gateway.errors import EngineDied
from tests.api.responses.asking import FUNCTIONS, asking, stream_events
from tests.api.samples import scrape
from tests.fakes import Script, ScriptedAnswer, call, gateway, scripted, until

PARIS = call("get_weather", {"city": "Paris"})
ENDLESS = ScriptedAnswer(["He", "llo"], finish=None)


async def create(client: httpx.AsyncClient, **fields: Any) -> Any:
    answer = await client.post("/responses", json=asking(**fields))
    assert answer.status_code == 200, answer.text
    return answer.json()


def prompt(script: Script) -> str:
    return "".join(map(str, script.requests[-1].prompt))


async def test_response_is_read_as_it_was_answered() -> None:
    async with gateway(scripted(f"So.\n{PARIS}")) as client:
        made = await create(client, tools=FUNCTIONS)
        assert (await client.get(f"/responses/{made['id']}")).json() == made


async def test_previous_response_is_continued() -> None:
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


async def test_streamed_response_can_be_continued_as_soon_as_it_is_complete() -> None:
    script = Script([scripted("Hi.")])
    async with gateway(script) as client:
        streamed = await client.post("/responses", json=asking(stream=True))
        id = stream_events(streamed.text)[-1]["response"]["id"]
        await create(client, previous_response_id=id, input="And?")
    assert "Hi." in prompt(script)


async def test_response_that_is_not_stored_is_unknown() -> None:
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


async def test_item_references_are_resolved() -> None:
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


async def test_input_items_are_listed_in_pages() -> None:
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


async def test_deleted_response_is_gone() -> None:
    async with gateway(scripted("Hi.")) as client:
        path = f"/responses/{(await create(client))['id']}"
        assert (await client.delete(path)).json()["deleted"] is True
        assert (await client.get(path)).status_code == 404


async def test_key_does_not_reach_the_responses_of_another() -> None:
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


async def test_file_keeps_conversations_and_signatures_over_a_restart(tmp_path: Path) -> None:
    settings = {"responses": {"file": str(tmp_path / "responses.sqlite")}}
    script = Script([scripted("<think>\nHm.\n</think>\n\nHi, Ann.")])
    async with gateway(script, settings, format="qwen3") as client:
        made = await create(client, include=["reasoning.encrypted_content"])
    [thought, _] = made["output"]
    async with gateway(script, settings, format="qwen3") as client:
        assert (await client.get(f"/responses/{made['id']}")).json() == made
        await create(client, input="And?", previous_response_id=made["id"])
        assert "Hi, Ann." in prompt(script)
    signer = Signer(ResponseStore(tmp_path / "responses.sqlite").key)
    assert signer.verified(thought["encrypted_content"]) == "Hm."


async def test_input_tokens_are_counted() -> None:
    async with gateway(scripted("Hi.")) as client:
        answer = await client.post("/responses/input_tokens", json=asking())
    assert answer.json() == {"object": "response.input_tokens", "input_tokens": 7}


# -- in the background


async def finished(client: httpx.AsyncClient, id: str) -> Any:
    async with asyncio.timeout(60):
        while True:
            found = (await client.get(f"/responses/{id}")).json()
            if found["status"] not in ("queued", "in_progress"):
                return found
            await asyncio.sleep(0.01)


async def test_background_response_is_complete_later() -> None:
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


async def test_background_stream_resumes_after_an_event() -> None:
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


async def test_background_response_goes_on_when_its_client_hangs_up() -> None:
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


async def test_failed_background_response_has_the_error() -> None:
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


async def test_deleting_a_background_response_stops_it() -> None:
    script = Script([ENDLESS])
    async with gateway(script) as client:
        made = await create(client, background=True)
        await until(lambda: script.running)
        assert (await client.delete(f"/responses/{made['id']}")).status_code == 200
        assert script.running == 0
        assert (await client.get(f"/responses/{made['id']}")).status_code == 404


async def test_background_responses_end_with_the_gateway() -> None:
    script = Script([ENDLESS])
    async with gateway(script) as client:
        await create(client, background=True)
        await until(lambda: script.running)
    assert script.running == 0


async def test_what_is_not_in_the_background_is_neither_cancelled_nor_streamed_again() -> None:
    async with gateway(scripted("Hi.")) as client:
        path = f"/responses/{(await create(client))['id']}"
        assert (await client.post(f"{path}/cancel")).status_code == 400
        assert (await client.get(path, params={"stream": True})).status_code == 400
        fields = asking(background=True, store=False)
        assert (await client.post("/responses", json=fields)).status_code == 400


@pytest.mark.parametrize("stream", [False, True])
async def test_hang_up_stores_nothing(stream: bool) -> None:
    script = Script([ENDLESS])
    async with gateway(script) as client:
        asked = asyncio.create_task(client.post("/responses", json=asking(stream=stream)))
        await until(lambda: script.running)
        asked.cancel()
        await until(lambda: not script.running)
        assert (await client.post("/responses/resp_x/cancel")).status_code == 404
