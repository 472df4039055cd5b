"""Captures: what the model was shown, wrote and was read as, in memory and in files."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.admission.api_keys import new_key
from gateway.admission.key_ring import KeyRing
from gateway.app import create_app
from gateway.engine.generation import Opened
from gateway.errors import EngineDied
from tests.fakes import (
    TOOLS,
    Script,
    ScriptedAnswer,
    app,
    call,
    chat,
    config,
    gateway,
    no_memory,
    scripted,
    until,
)

SECRET, ALICE = new_key("alice")
OTHER_SECRET, BOB = new_key("bob")
CAROLS_SECRET, CAROL = new_key("carol", captures=True)
CAPTURES = "http://gateway/captures"
CALL = call("get_time", {"city": "Rome"})
ON = {"playground": True}


async def capture(client: httpx.AsyncClient, answer: httpx.Response) -> Any:
    """The capture of the request that got `answer`."""
    found = await client.get(f"{CAPTURES}/{answer.headers['x-request-id']}")
    assert found.status_code == 200
    return found.json()


def messages(stream: str) -> list[tuple[str, Any]]:
    """The messages of an event stream with their names."""
    blocks = [block.splitlines() for block in stream.split("\n\n") if not block.startswith(":")]
    return [
        (lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))
        for lines in blocks
        if lines
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_capture_has_what_was_asked_shown_written_and_read(stream: bool) -> None:
    body = chat(tools=TOOLS, stream=stream, temperature=0)
    async with gateway(
        ScriptedAnswer(["<tool_call>", *CALL[11:].split("T")], forced=1), ON
    ) as client:
        answer = await client.post("/chat/completions", json=body)
        found = await capture(client, answer)
    assert (found["version"], found["model"], found["format"]) == (1, "m", "hermes")
    assert (found["endpoint"], found["template"]) == ("/v1/chat/completions", "smollm2")
    assert found["request"] == body
    [attempt] = found["attempts"]
    assert {"text": "<|im_start|>", "special": True, "id": 1} in attempt["prompt"]
    assert any("Hello" in part["text"] and not part["special"] for part in attempt["prompt"])
    assert (attempt["prompt_tokens"], attempt["cached_tokens"]) == (7, 3)
    assert (attempt["trigger"], attempt["finish"]) == ("<tool_call>", "stop")
    assert "get_time" in attempt["grammar"]
    assert attempt["raw"] == "".join(token["text"] for token in attempt["tokens"])
    assert attempt["tokens"][0] == {
        "id": 100,
        "text": "<tool_call>",
        "special": True,
        "probability": None,
        "forced": True,
    }
    assert [event["type"] for event in found["events"]][:2] == ["started", "call_start"]
    assert found["events"][-1]["reason"] == "tool_calls"
    assert found["response"]["status"] == 200
    assert found["response"]["body"] == (None if stream else answer.json())
    assert found["error"] is None
    assert found["sampling"]["temperature"] == 0
    assert found["settings"]["format"] == "hermes"
    assert set(found["versions"]) == {"tool-gateway", "llama.cpp", "llguidance", "python"}
    assert found["timings"]["tokens"] == len(attempt["tokens"])
    assert found["timings"]["skipped_ahead"] == 1
    assert all(ms >= 0 for ms in found["timings"].values())


async def test_each_answer_has_attempts_and_events_of_its_own() -> None:
    async with gateway(Script([scripted("one"), scripted("two")]), ON) as client:
        found = await capture(client, await client.post("/chat/completions", json=chat(n=2)))
    texts = dict.fromkeys((0, 1), "")
    for event in found["events"]:
        texts[event["choice"]] += event.get("text", "")
    assert texts == {attempt["choice"]: attempt["raw"] for attempt in found["attempts"]}
    assert sorted(texts.values()) == ["one", "two"]


async def test_the_probability_of_a_call_is_captured() -> None:
    answer = ScriptedAnswer(["Hi", CALL], opening=Opened(0.75, True), opened_at=1)
    async with gateway(answer, ON) as client:
        body = chat(tools=TOOLS, tool_call_probability=True)
        found = await capture(client, await client.post("/chat/completions", json=body))
    [attempt] = found["attempts"]
    assert attempt["call_probability"] == 0.75
    assert attempt["opening"] == {"probability": 0.75, "is_call": True, "at": 2}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("completions", {"prompt": "Hello"}),
        ("completions", {"prompt": [0, 1]}),
        ("responses", {"input": "Hello"}),
        ("responses", {"input": "Hello", "background": True}),
        ("messages", {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9}),
        ("http://gateway/api/chat", {"messages": [{"role": "user", "content": "Hello"}]}),
        ("http://gateway/api/generate", {"prompt": "Hello"}),
    ],
)
async def test_requests_of_every_dialect_are_captured(path: str, body: dict[str, Any]) -> None:
    async with gateway(scripted("Hi there"), ON) as client:
        answer = await client.post(path, json={"model": "m", **body})
        id = answer.headers["x-request-id"]
        await client.get(f"{CAPTURES}/{id}/events")  # ends with the request
        found = (await client.get(f"{CAPTURES}/{id}")).json()
    assert [attempt["raw"] for attempt in found["attempts"]] == ["Hi there"]
    assert "".join(event.get("text", "") for event in found["events"]) == "Hi there"
    assert found["events"][-1]["type"] == "finished"


async def test_the_list_has_the_newest_request_first() -> None:
    script = Script([scripted("Hello   you"), scripted(CALL)])
    async with gateway(script, ON) as client:
        for body in (chat(), chat(tools=TOOLS)):
            await client.post("/chat/completions", json=body)
        await client.get("/models")
        await client.post("http://gateway/tokenize", json={"model": "m", "prompt": "Hi"})
        listed = (await client.get(CAPTURES)).json()["data"]
    assert [(one["first_words"], one["calls"]) for one in listed] == [
        ("get_time(…)", 1),
        ("Hello you", 0),
    ]
    assert {(one["model"], one["status"], one["endpoint"]) for one in listed} == {
        ("m", 200, "/v1/chat/completions")
    }


@pytest.mark.parametrize("stream", [False, True])
async def test_errors_are_captured(stream: bool) -> None:
    broken = ScriptedAnswer(["a"], None, fails=EngineDied("it died"))
    async with gateway(broken, ON) as client:
        died = await client.post("/chat/completions", json=chat(stream=stream))
        wrong = await client.post("/chat/completions", json=chat(messages=7))
        no_json = await client.post("/chat/completions", content=b"no JSON")
        found = [await capture(client, answer) for answer in (died, wrong, no_json)]
    assert found[0]["error"]["code"] == found[0]["attempts"][0]["error"]["code"] == "engine_died"
    assert found[0]["attempts"][0]["raw"] == "a"
    assert found[1]["error"] == wrong.json()["error"]
    assert (found[1]["response"]["status"], found[1]["attempts"]) == (400, [])
    assert found[2]["request"] == "no JSON"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_internal_error_is_captured(stream: bool) -> None:
    answer = ScriptedAnswer(["a"], None, fails=ZeroDivisionError("a bug"))
    async with gateway(answer, ON) as client:
        failed = await client.post("/chat/completions", json=chat(stream=stream))
        found = await capture(client, failed)
    assert found["response"]["status"] == failed.status_code
    assert found["error"]["message"].startswith("internal error")
    assert found["attempts"][0]["raw"] == "a"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\xff", "\ufffd"),
        (b'{"n": ' + b"9" * 40 + b"}", {"n": int("9" * 40)}),
        (b'{"n": 1e999}', '{"n": 1e999}'),
        (b'{"password": "a\\"b", "x": }', '{"password": "[secret]", "x": }'),
        *((text, text.decode()) for text in (b"[" * n + b"]" * n for n in (600, 990, 9000))),
    ],
    ids=str,
)
async def test_a_strange_body_is_captured(body: bytes, expected: Any, tmp_path: Path) -> None:
    async with gateway(scripted("Hi"), ON, capture_folder=tmp_path) as client:
        answer = await client.post("/chat/completions", content=body)
        assert answer.status_code == 400
        found = await capture(client, answer)
    assert found["request"] == expected
    assert [json.loads(file.read_text())["request"] for file in tmp_path.iterdir()] == [expected]  # noqa: ASYNC240


async def test_a_running_request_can_be_read_and_followed() -> None:
    headers = {"x-request-id": "mine-7"}
    script = Script([ScriptedAnswer(["a", "b"], None)])
    served = app(script, ON)
    async with clients(served) as client:
        following = asyncio.create_task(client.get(f"{CAPTURES}/mine-7/events"))
        await asyncio.sleep(0)  # it waits for the request
        asking = asyncio.create_task(
            client.post("http://gateway/v1/chat/completions", json=chat(), headers=headers)
        )
        latest = served.state.captures
        await until(lambda: (one := latest.find("", "mine-7")) and len(one._events) == 3)
        found = (await client.get(f"{CAPTURES}/mine-7")).json()
        assert (found["attempts"][0]["raw"], found["response"]["status"]) == ("ab", None)
        script.answers = [scripted("never")]
        served.state.admission.abort()
        assert (await asking).status_code == 503
        told = messages((await following).text)
    names = [name for name, _ in told]
    assert names[0] == "prompt"
    assert names[-1] == "done"
    assert told[-1][1]["error"]["type"] == "server_error"
    tokens = [token["text"] for name, value in told if name == "token" for token in value["tokens"]]
    assert tokens == ["a", "b"]
    assert [value["type"] for name, value in told if name == "event"] == ["started", "text", "text"]


async def test_a_finished_request_is_followed_to_its_end() -> None:
    async with gateway(scripted(CALL), ON) as client:
        answer = await client.post("/chat/completions", json=chat(tools=TOOLS))
        found = await capture(client, answer)
        told = messages((await client.get(f"{CAPTURES}/{found['id']}/events")).text)
    [(_, prompt)] = [one for one in told if one[0] == "prompt"]
    [(_, tokens)] = [one for one in told if one[0] == "token"]
    [attempt] = found["attempts"]
    assert prompt.items() <= {**attempt, "attempt": 0}.items()
    assert tokens == {"attempt": 0, "tokens": attempt["tokens"]}
    assert [value for name, value in told if name == "event"] == found["events"]
    assert told[-1] == ("done", {k: v for k, v in found.items() if k not in ("attempts", "events")})


async def test_an_unknown_capture_is_a_404(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.api.captures.routes.BEGINS_S", 0)
    async with gateway(scripted("Hi"), ON) as client:
        answers = [await client.get(f"{CAPTURES}/{path}") for path in ("x", "x/events")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert "no capture 'x'" in answers[0].json()["error"]["message"]


@pytest.mark.parametrize(
    ("playground", "is_local", "keys", "is_on"),
    [
        (None, False, [], False),
        (None, True, [], True),
        (None, True, [ALICE], False),
        (True, False, [ALICE], True),
        (False, True, [], False),
    ],
)
async def test_requests_are_captured_only_where_they_may_be_seen(
    playground: bool | None, is_local: bool, keys: list[Any], is_on: bool
) -> None:
    async def launch(*_: object) -> Script:
        return Script([scripted("Hi")])

    settings = config().model_copy(update={"playground": playground})
    ring = KeyRing(tuple(keys))
    served = create_app(settings, launch, ring, estimate=no_memory, is_local=is_local)
    async with clients(served) as client:
        client.headers["authorization"] = f"Bearer {SECRET}"
        answer = await client.get(CAPTURES)
    assert answer.status_code == (200 if is_on else 404)
    assert is_on or "playground: true" in answer.json()["error"]["message"]


# -- one request


async def asked_for(client: httpx.AsyncClient, secret: str, value: str = "true") -> httpx.Response:
    headers = {"authorization": f"Bearer {secret}", "x-capture": value}
    return await client.post("/chat/completions", json=chat(stream=True), headers=headers)


async def test_a_request_whose_key_may_is_captured_alone(tmp_path: Path) -> None:
    async with gateway(scripted("Hi"), keys=[CAROL, BOB]) as client:
        client.headers["authorization"] = f"Bearer {CAROLS_SECRET}"
        for value in ("", "0", "false"):
            plain = await asked_for(client, CAROLS_SECRET, value)
            assert "x-capture" not in plain.headers
        answer = await asked_for(client, CAROLS_SECRET)
        place = answer.headers["x-capture"]
        found = await client.get(f"http://gateway{place}")
        [listed] = (await client.get(CAPTURES)).json()["data"]
    assert place == f"/captures/{answer.headers['x-request-id']}"
    assert found.json()["attempts"][0]["raw"] == "Hi"
    assert CAROLS_SECRET not in found.text
    assert listed["id"] == found.json()["id"]


async def test_a_request_whose_key_may_not_be_captured_is_refused() -> None:
    async with gateway(script := Script([scripted("Hi")]), keys=[ALICE, CAROL]) as client:
        answer = await asked_for(client, SECRET)
        read = await client.get(CAPTURES, headers={"authorization": f"Bearer {SECRET}"})
        assert (await asked_for(client, "unknown")).status_code == 401
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "capture_not_allowed")
    assert "add `captures` to the line of the key 'alice'" in answer.json()["error"]["message"]
    assert (read.status_code, read.json()["error"]["code"]) == (404, "not_captured")
    assert not script.requests


@pytest.mark.parametrize("keys", [[], [ALICE]])
async def test_where_all_requests_are_captured_each_may_ask_where(keys: list[Any]) -> None:
    async with gateway(scripted("Hi"), ON, keys=keys) as client:
        answer = await asked_for(client, SECRET)
    assert answer.headers["x-capture"] == f"/captures/{answer.headers['x-request-id']}"


async def test_without_keys_and_captures_a_request_for_one_is_refused() -> None:
    async with gateway(scripted("Hi"), {"playground": False}) as client:
        answer = await asked_for(client, SECRET)
    assert answer.status_code == 403
    assert "; set `playground: true` in models.yaml" in answer.json()["error"]["message"]


async def test_what_asks_for_a_capture_has_one_although_it_asks_no_model() -> None:
    async with gateway(scripted("Hi"), ON) as client:
        for headers, status in (({}, 404), ({"x-capture": "1"}, 200)):
            tokens = await client.post(
                "http://gateway/tokenize", json={"model": "m", "prompt": "Hi"}, headers=headers
            )
            assert tokens.status_code == 200
            found = await client.get(f"{CAPTURES}/{tokens.headers['x-request-id']}")
            assert found.status_code == status


# -- keys


async def test_a_key_sees_its_own_requests_only() -> None:
    async with gateway(scripted("Hi"), ON, keys=[ALICE, BOB]) as client:
        hers, his = ({"authorization": f"Bearer {secret}"} for secret in (SECRET, OTHER_SECRET))
        same_id = {"x-request-id": "shared"}
        for owner, text in ((hers, "hers"), (his, "his")):
            body = chat(messages=[{"role": "user", "content": text}])
            await client.post("/chat/completions", json=body, headers={**owner, **same_id})
        for owner, text in ((hers, "hers"), (his, "his")):
            assert len((await client.get(CAPTURES, headers=owner)).json()["data"]) == 1
            found = (await client.get(f"{CAPTURES}/shared", headers=owner)).json()
            assert found["request"]["messages"][0]["content"] == text
        assert (await client.get(CAPTURES)).status_code == 401


async def test_a_capture_has_no_key(tmp_path: Path) -> None:
    script = Script([scripted(f"your key is {SECRET}")])
    more = {"keys": [ALICE], "capture_folder": tmp_path}
    async with gateway(script, ON, **more) as client:
        client.headers["authorization"] = f"Bearer {SECRET}"
        spoken = [{"role": "user", "content": f"My key is {SECRET}."}]
        body = chat(messages=spoken, metadata={"api_key": "sk-other"}, user=SECRET)
        answer = await client.post("/chat/completions", json=body)
        url = f"{CAPTURES}/{answer.headers['x-request-id']}"
        seen = [(await client.get(path)).text for path in (CAPTURES, url, f"{url}/events")]
    written = [file.read_text() for file in sorted(tmp_path.iterdir())]  # noqa: ASYNC240
    assert len(written) == 1
    for text in seen + written:
        assert SECRET not in text
        assert "sk-other" not in text
        assert "uthorization" not in text
    assert "My key is [secret]." in seen[1]


async def test_each_request_becomes_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "captures"
    async with gateway(scripted("Hi"), capture_folder=folder) as client:
        for id in ("a/../b", "b"):
            await client.post("/chat/completions", json=chat(), headers={"x-request-id": id})
        await client.get("/models")
    names = [file.name for file in sorted(folder.iterdir())]
    assert [name.split("-", 1)[1] for name in names] == [
        "a_.._b.capture.json",
        "b.capture.json",
    ]
    found = json.loads((folder / names[0]).read_text())
    assert (found["id"], found["attempts"][0]["raw"]) == ("a/../b", "Hi")
    assert os.stat(folder / names[0]).st_mode & 0o077 == 0


async def test_a_folder_that_can_not_be_written_costs_the_capture_not_the_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    with caplog.at_level(logging.WARNING, "gateway"):
        async with gateway(scripted("Hi"), capture_folder=occupied) as client:
            answers = [await client.post("/chat/completions", json=chat()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "requests are not captured"
    ]


async def test_tokens_are_asked_for_only_if_requests_are_captured() -> None:
    for settings in (ON, {}):
        script = Script([scripted("Hi")])
        async with gateway(script, settings) as client:
            await client.post("/chat/completions", json=chat())
        assert [request.token_details for request in script.requests] == [bool(settings)]


@asynccontextmanager
async def clients(served: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with served.router.lifespan_context(served):
        transport = httpx.ASGITransport(served, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield client
