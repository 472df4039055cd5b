"""Each request has an id and one line in the log."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.errors import EngineDied
from gateway.observe import logs
from tests.fakes import Script, ScriptedAnswer, call, chat, config, gateway, no_memory, scripted

LINES = "gateway.requests"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "gateway")
    caplog.handler.addFilter(logs.identify)
    return caplog


def log_lines(lines: pytest.LogCaptureFixture, form: logging.Formatter | None = None) -> list[Any]:
    """Returns the parsed log line of each request."""
    records = [record for record in lines.records if record.name == LINES]
    return [json.loads((form or logs.as_json()).format(record)) for record in records]


@pytest.mark.parametrize("stream", [False, True])
async def test_request_is_logged_in_one_line(stream: bool, lines: pytest.LogCaptureFixture) -> None:
    async with gateway(ScriptedAnswer(["a", "b"], forced=1)) as client:
        answer = await client.post("/chat/completions", json=chat(stream=stream))
    [line] = log_lines(lines)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["message"] == "POST /v1/chat/completions 200"
    expected = {
        "level": "INFO",
        "model": "m",
        "route": "/v1/chat/completions",
        "status": 200,
        "prompt_tokens": 7,
        "cached_tokens": 3,
        "generated_tokens": 2,
        "forced_tokens": 1,
        "finish": "stop",
        "calls": 0,
    }
    assert {key: line[key] for key in expected} == expected
    assert 0 <= line["first_token_s"] <= line["duration_s"]
    assert not {"prompt", "answers", "error"} & set(line)


async def test_readable_format_has_the_same_fields(lines: pytest.LogCaptureFixture) -> None:
    async with gateway(scripted(call("get_time", {}))) as client:
        await client.post("/chat/completions", json=chat(n=2), headers={"x-request-id": "mine"})
    [record] = [record for record in lines.records if record.name == LINES]
    line = logs.Readable().format(record)
    assert " INFO    POST /v1/chat/completions 200 request_id=mine model=m " in line
    assert "finish=stop,stop" in line


async def test_replaced_surrogates_are_counted(lines: pytest.LogCaptureFixture) -> None:
    body = json.dumps(chat()).encode()
    async with gateway(scripted("Hi")) as client:
        await client.post("/chat/completions", content=body.replace(b"Hello", rb"\ud83d \udc00"))
        await client.post("/chat/completions", content=body)
    cut, whole = log_lines(lines)
    assert cut["replaced_surrogates"] == 2
    assert "replaced_surrogates" not in whole


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [("mine-1", True), ("a" * 128, True), ("a" * 129, False), ("two words", False), ("", False)],
)
async def test_valid_client_request_id_is_used(given: str, is_taken: bool) -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.get("/models", headers={"x-request-id": given})
    id = answer.headers["x-request-id"]
    assert id == given if is_taken else id.startswith("req_")


async def test_every_request_has_a_unique_id() -> None:
    async with gateway(scripted("Hi")) as client:
        answers = [await client.get("/models") for _ in range(3)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3


async def test_error_has_an_id_and_its_line_has_the_code(
    lines: pytest.LogCaptureFixture,
) -> None:
    async with gateway(scripted("Hi")) as client:
        missing = await client.post("/chat/completions", json=chat(model="x"))
        wrong = await client.post("/chat/completions", json=chat(messages="x"))
        nowhere = await client.get("/nowhere")
    assert [line["error"] for line in log_lines(lines)] == [
        "model_not_found",
        "invalid_request_error",
        "invalid_request_error",
    ]
    ids = [answer.headers["x-request-id"] for answer in (missing, wrong, nowhere)]
    assert [line["request_id"] for line in log_lines(lines)] == ids


@pytest.mark.parametrize(
    ("path", "logged"),
    [("/nowhere", "/nowhere"), ("/a%0A%1Bb", r"/a\n\x1bb"), (f"/{'a' * 999}", f"/{'a' * 199}")],
)
async def test_path_without_a_route_is_in_the_line(
    path: str, logged: str, lines: pytest.LogCaptureFixture
) -> None:
    async with gateway(scripted("Hi")) as client:
        await client.get(f"http://gateway{path}")
        await client.get("/models")
    lost, found = log_lines(lines)
    assert (lost["message"], lost["path"]) == ("GET other 404", logged)
    assert "path" not in found


async def test_error_in_a_stream_is_in_its_line(lines: pytest.LogCaptureFixture) -> None:
    async with gateway(ScriptedAnswer(["a"], None, fails=EngineDied("it died"))) as client:
        await client.post("/chat/completions", json=chat(stream=True))
    [line] = log_lines(lines)
    assert (line["status"], line["error"], line["finish"]) == (200, "engine_died", "unfinished")


async def test_internal_error_is_logged_with_its_traceback_and_id(
    lines: pytest.LogCaptureFixture,
) -> None:
    async with gateway(ScriptedAnswer(rejects=ZeroDivisionError("a bug"))) as client:
        answer = await client.post("/chat/completions", json=chat())
    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "server_error"
    [fault] = [record for record in lines.records if record.exc_info]
    line = json.loads(logs.as_json().format(fault))
    assert "ZeroDivisionError: a bug" in line["exc_info"]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert log_lines(lines)[0]["status"] == 500


async def test_metrics_and_probes_are_not_logged(lines: pytest.LogCaptureFixture) -> None:
    async with gateway(scripted("Hi"), preload=True, source="no/such.gguf") as client:
        for path, status in {
            "/metrics": 200,
            "/health": 200,
            "/livez": 200,
            "/readyz": 503,
        }.items():
            assert (await client.get(f"http://gateway{path}")).status_code == status
    assert log_lines(lines) == []


@pytest.mark.parametrize("is_kept", [False, True])
async def test_prompts_and_answers_are_logged_only_with_log_prompts(
    is_kept: bool, lines: pytest.LogCaptureFixture
) -> None:
    async def launch(*_: object) -> Script:
        return Script([scripted("a secret")])

    served = create_app(config(), launch, estimate=no_memory, log_prompts=is_kept)
    async with served.router.lifespan_context(served):
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            await client.post("/v1/chat/completions", json=chat())
    [line] = log_lines(lines)
    assert (line.get("answers") == ["a secret"]) == is_kept
    assert ("Hello" in line.get("prompt", "")) == is_kept
    assert ("secret" in lines.text) is False
