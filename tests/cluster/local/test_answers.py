"""What one gateway answers, two replicas of it on Ray Serve answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.local.cluster import Cluster

pytestmark = pytest.mark.cluster

HELLO = [{"role": "user", "content": "Say hello."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "smollm2", "messages": HELLO, "max_tokens": 8, **more}


BODIES = {
    "/v1/chat/completions": chat(),
    "/v1/completions": {"model": "smollm2", "prompt": "Once", "max_tokens": 8},
    "/v1/responses": {"model": "smollm2", "input": "Say hello.", "max_output_tokens": 64},
    "/v1/messages": chat(),
    "/api/chat": {"model": "smollm2", "messages": HELLO, "options": {"num_predict": 8}},
    "/api/generate": {"model": "smollm2", "prompt": "Once", "options": {"num_predict": 8}},
}
LAST = {
    "/v1/chat/completions": "data: [DONE]",
    "/v1/completions": "data: [DONE]",
    "/v1/responses": '"type":"response.completed"',
    "/v1/messages": '"type":"message_stop"',
    "/api/chat": '"done":true',
    "/api/generate": '"done":true',
}


@pytest.mark.parametrize("path", BODIES)
def test_whole_answers(running: Cluster, path: str) -> None:
    answer = running.post(path, {**BODIES[path], "stream": False})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-replica"] in running.replicas()
    assert "," not in answer.headers["x-request-id"]


@pytest.mark.parametrize("path", BODIES)
def test_streams(running: Cluster, path: str) -> None:
    with (
        running.http as http,
        http.stream("POST", path, json={**BODIES[path], "stream": True}) as s,
    ):
        lines = [line for line in s.iter_lines() if line]
    assert LAST[path] in lines[-1]
    assert len(lines) > 1


def test_tool_calls(running: Cluster) -> None:
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    body = chat(messages=asked, tools=[WEATHER], tool_choice="required", max_tokens=64)
    message = running.post("/v1/chat/completions", body).json()["choices"][0]["message"]
    function = message["tool_calls"][0]["function"]
    assert function["name"] == "get_weather"
    assert json.loads(function["arguments"]).keys() == {"city"}


@pytest.mark.parametrize("path", ["/", "/docs", "/livez", "/readyz", "/v1/models", "/api/tags"])
def test_pages_and_lists(running: Cluster, path: str) -> None:
    assert running.get(path).status_code == 200


def test_errors_are_those_of_the_dialect(running: Cluster) -> None:
    unknown = running.post("/v1/messages", chat(model="no-such"))
    assert unknown.status_code == 404
    assert unknown.json()["error"]["type"] == "not_found_error"
    assert running.post("/v1/chat/completions", {}).json()["error"]["param"] == "model"


def test_a_host_that_is_not_allowed_is_rejected(running: Cluster) -> None:
    with running.http as http:
        assert http.get("/v1/models", headers={"host": "evil.example"}).status_code == 403
