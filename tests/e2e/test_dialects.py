"""The Anthropic API and Ollama's with the embedded model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.anthropic.bodies import TOOLS, body, events, message_of
from tests.api.ollama.bodies import joined, lines
from tests.api.test_dialects import BODIES
from tests.api.test_dialects import message_of as message_in

pytestmark = pytest.mark.model

SCHEMA = {"type": "object", "properties": {"sunny": {"type": "boolean"}}, "required": ["sunny"]}


@pytest.fixture
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=120) as client:
        yield client


def counted(http: httpx.Client, asked: dict[str, Any]) -> int:
    """The number of tokens that `count_tokens` returns."""
    count: int = http.post("/v1/messages/count_tokens", json=asked).json()["input_tokens"]
    return count


def test_count_tokens_equals_the_usage_in_each_turn_of_a_conversation(http: httpx.Client) -> None:
    forced = {"type": "tool", "name": "get_weather"}
    asked = body(model="smollm2", system="Be brief.", tools=TOOLS, tool_choice=forced)
    count = counted(http, asked)
    turn = http.post("/v1/messages", json=asked).json()
    assert turn["usage"]["input_tokens"] == count
    [called] = [block for block in turn["content"] if block["type"] == "tool_use"]
    assert (turn["stop_reason"], called["name"]) == ("tool_use", "get_weather")
    assert isinstance(called["input"]["city"], str)

    result = {"type": "tool_result", "tool_use_id": called["id"], "content": "sunny"}
    asked["messages"] += [
        {"role": "assistant", "content": turn["content"]},
        {"role": "user", "content": [result]},
    ]
    asked |= {"max_tokens": 20, "tool_choice": {"type": "auto"}, "stream": True}
    count = counted(http, asked)
    streamed = message_of(events(http.post("/v1/messages", json=asked).text))
    assert streamed["usage"]["input_tokens"] == count


@pytest.mark.parametrize("path", [*BODIES, "/v1/messages/count_tokens"])
def test_prompt_that_can_never_fit_is_refused_in_every_dialect(
    http: httpx.Client, path: str
) -> None:
    asked = BODIES.get(path, BODIES["/v1/messages"])
    long = json.dumps({**asked, "model": "smollm2"}).replace("Hello", "x" * 500_000)
    refused = http.post(path, content=long)
    assert refused.status_code == 400
    expected = "prompt is too long: 6" if "messages" in path else "the prompt has at least 6"
    assert message_in(refused.json()).startswith(expected)
    if path.startswith("/v1/") and "messages" not in path:
        assert refused.json()["error"]["code"] == "context_length_exceeded"


def test_count_tokens_counts_a_prompt_beyond_the_context(http: httpx.Client) -> None:
    long = body(model="smollm2", messages=[{"role": "user", "content": "word " * 6000}])
    assert counted(http, long) > 6000
    refused = http.post("/v1/messages", json=long)
    assert refused.status_code == 400
    assert "prompt is too long" in refused.json()["error"]["message"]


def test_max_tokens_beyond_the_context_are_cut_down(http: httpx.Client) -> None:
    config = {"format": {"type": "json_schema", "schema": SCHEMA}}
    asked = body(model="smollm2", max_tokens=32_000, output_config=config)
    message = http.post("/v1/messages", json=asked).json()
    assert set(json.loads(message["content"][0]["text"])) == {"sunny"}


def test_ollama_streams_an_answer_of_a_schema(http: httpx.Client) -> None:
    asked: dict[str, Any] = {
        "model": "smollm2:latest",
        "messages": [{"role": "user", "content": "Is it sunny?"}],
        "format": SCHEMA,
        "options": {"num_predict": -1, "temperature": 0},
    }
    answer = joined(lines(http.post("/api/chat", json=asked).text))
    assert set(json.loads(answer["message"]["content"])) == {"sunny"}
    assert answer["done_reason"] == "stop"
    assert answer["prompt_eval_count"] > 0
    parts = ("load_duration", "prompt_eval_duration", "eval_duration")
    assert sum(answer[part] for part in parts) == answer["total_duration"]


def test_ollama_continues_a_raw_prompt(http: httpx.Client) -> None:
    prompt = "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    asked = {"model": "smollm2", "prompt": prompt, "raw": True, "options": {"num_predict": 3}}
    answer = http.post("/api/generate", json={**asked, "stream": False}).json()
    assert answer["eval_count"] <= 3
    assert answer["prompt_eval_count"] == 10  # each special token is one


def test_ollama_describes_the_model(http: httpx.Client) -> None:
    shown = http.post("/api/show", json={"model": "smollm2"}).json()
    assert shown["capabilities"] == ["completion", "tools"]
    assert shown["model_info"]["llama.context_length"] == 4096
    assert shown["details"]["parameter_size"] == "134.52M"
