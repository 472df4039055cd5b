"""The Messages API over HTTP: errors in its own form everywhere, keys, usage, token counts."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.admission.api_keys import new_key
from gateway.errors import BadRequest, Busy, ContextExceeded, EngineDied, ModelUnusable
from tests.api.anthropic.bodies import THINKING, TOOLS, body, events
from tests.fakes import PROMPT_TOKENS, Script, ScriptedAnswer, call, gateway, scripted
from tests.served import prompt

SECRET, KEY = new_key("alice")
PARIS = call("get_weather", {"city": "Paris"})
PATHS = ("/messages", "/messages/count_tokens")


def fault(answer: Any) -> tuple[int, str]:
    """The status and the type of an error; its form is the Anthropic API's."""
    error = answer.json()
    assert set(error) == {"type", "error", "request_id"}
    assert error["type"] == "error"
    assert set(error["error"]) == {"type", "message"}
    assert error["request_id"] == answer.headers["request-id"]
    return answer.status_code, error["error"]["type"]


# -- errors


@pytest.mark.parametrize(
    ("raised", "status", "type"),
    [
        (ContextExceeded(9000, 4096), 400, "invalid_request_error"),
        (BadRequest("no"), 400, "invalid_request_error"),
        (ModelUnusable("no file"), 424, "api_error"),
        (Busy("full", 3), 429, "rate_limit_error"),
        (EngineDied("lost"), 503, "overloaded_error"),
        (RuntimeError("a secret"), 500, "api_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_error_of_the_engine_has_its_type(
    raised: Exception, status: int, type: str, stream: bool
) -> None:
    async with gateway(ScriptedAnswer(rejects=raised)) as client:
        answer = await client.post("/messages", json=body(stream=stream))
    assert fault(answer) == (status, type)
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("sent", "status", "type"),
    [
        ({"json": body(model="gone")}, 404, "not_found_error"),
        ({"json": {"model": "m"}}, 400, "invalid_request_error"),
        ({"content": b"{"}, 400, "invalid_request_error"),
        ({"content": b" " * (2**20 + 1)}, 413, "request_too_large"),
    ],
)
async def test_error_of_a_request_has_its_type(
    path: str, sent: dict[str, Any], status: int, type: str
) -> None:
    async with gateway(scripted("Hi"), {"limits": {"body_mb": 1}}) as client:
        assert fault(await client.post(path, **sent)) == (status, type)


async def test_unknown_paths_and_methods_have_the_form_too() -> None:
    async with gateway(scripted("Hi")) as client:
        assert fault(await client.post("/messages/batches")) == (404, "not_found_error")
        assert fault(await client.get("/messages")) == (405, "invalid_request_error")


async def test_unknown_hosts_are_refused_in_the_form() -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/messages", json=body(), headers={"host": "evil.example"})
    assert fault(answer) == (403, "permission_error")


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
async def test_a_key_is_taken_from_either_header(header: str) -> None:
    value = SECRET if header == "x-api-key" else f"Bearer {SECRET}"
    async with gateway(scripted("Hi"), keys=[KEY]) as client:
        answer = await client.post("/messages", json=body(), headers={header: value})
        assert answer.status_code == 200
        wrong = await client.post("/messages", json=body(), headers={header: f"{value}x"})
        assert fault(wrong) == (401, "authentication_error")


async def test_error_during_a_stream_is_its_last_event() -> None:
    async with gateway(ScriptedAnswer(["He", "y"], fails=RuntimeError("a secret"))) as client:
        answer = await client.post("/messages", json=body(stream=True))
    *_, last = events(answer.text)
    assert (last["type"], last["error"]["type"]) == ("error", "api_error")
    assert "secret" not in answer.text


async def test_headers_and_query_of_the_sdks_are_tolerated() -> None:
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "a-2025-01-01,b-2025-01-01"}
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/messages?beta=true", json=body(), headers=headers)
    assert answer.json()["content"] == [{"type": "text", "text": "Hi"}]


# -- the prompt and its tokens


@pytest.mark.parametrize("more", [{}, {"tools": TOOLS, "thinking": THINKING, "system": "Be kind."}])
async def test_count_tokens_equals_the_usage(more: dict[str, Any]) -> None:
    async with gateway(scripted("Hi")) as client:
        counted = await client.post("/messages/count_tokens", json=body(**more))
        answered = await client.post("/messages", json=body(**more))
    assert counted.json() == {"input_tokens": PROMPT_TOKENS}
    assert answered.json()["usage"] == {
        "input_tokens": PROMPT_TOKENS,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 1,
        "output_tokens_details": {"thinking_tokens": 0},
    }


async def test_count_tokens_tokenizes_the_prompt_of_the_answer() -> None:
    asked = body(tools=TOOLS, thinking=THINKING, system="Be kind.")
    script = Script([scripted("Hi")])
    async with gateway(script) as client:
        await client.post("/messages/count_tokens", json=asked)
        await client.post("/messages", json=asked)
    assert script.tokenized == [script.requests[0].prompt]


async def test_cached_tokens_are_counted_apart_if_the_client_marks_what_to_cache() -> None:
    question = {"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}
    asked = body(messages=[{"role": "user", "content": [question]}])
    async with gateway(scripted("Hi")) as client:
        usage = (await client.post("/messages", json=asked)).json()["usage"]
    assert usage["cache_read_input_tokens"] == 3
    assert usage["input_tokens"] == PROMPT_TOKENS - 3


async def test_a_turn_that_comes_back_is_in_the_prompt_as_it_was_written() -> None:
    written = "<think>\nHm,  so.\n</think>\n\nLook.\n"
    script = Script([scripted(written + PARIS), scripted("Sunny.")])
    asked = body(tools=TOOLS, thinking=THINKING)
    async with gateway(script, format="qwen3") as client:
        turn = (await client.post("/messages", json=asked)).json()
        assert turn["stop_reason"] == "tool_use"
        [used] = [block for block in turn["content"] if block["type"] == "tool_use"]
        assert used["id"].startswith("toolu_")
        result = {"type": "tool_result", "tool_use_id": used["id"], "content": "sunny"}
        asked["messages"] += [
            {"role": "assistant", "content": turn["content"]},
            {"role": "user", "content": [result]},
        ]
        last = (await client.post("/messages", json=asked)).json()
    assert last["content"] == [{"type": "text", "text": "Sunny."}]
    assert written in prompt(script, 1)


async def test_the_model_may_be_asked_not_to_think() -> None:
    script = Script([scripted("Hi")])
    async with gateway(script, template="smollm3", format="qwen3") as client:
        await client.post("/messages", json=body())
        await client.post("/messages", json=body(thinking=THINKING))
    assert "</think>" in prompt(script, 0)
    assert "</think>" not in prompt(script, 1)
    limit = script.requests[1].interruption
    assert limit is not None
    assert limit.max_tokens == 2000
