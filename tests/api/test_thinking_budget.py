"""The thinking budget of a request or an entry reaches the engine; a note says when it ran out."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.engine.generation import Interruption
from tests.fakes import TOOLS, Script, ScriptedAnswer, chat, events, gateway, scripted

THOUGHT = ["<think>\n", "So", ",", "\n</think>\n\n", "Hi", "."]
CLOSED = ScriptedAnswer(THOUGHT, interrupted=3)
CALL = '<tool_call>\n{"name": "get_time", "arguments": {"city": "Rome"}}\n</tool_call>'
USED_UP = "the thinking budget of 2 tokens was used up"


async def asked(body: dict[str, Any], **entry: Any) -> Interruption | None:
    """Returns the interruption that the engine receives."""
    script = Script([scripted("Hi")])
    async with gateway(script, **{"format": "qwen3", **entry}) as client:
        answer = await client.post("/chat/completions", json=chat(**body))
    assert answer.status_code == 200, answer.text
    return script.requests[0].interruption


PLACES: dict[str, dict[str, Any]] = {
    "Qwen": {"thinking_budget": 2},
    "vLLM": {"thinking_token_budget": 2},
    "llama-server": {"thinking_budget_tokens": 2},
    "llama-server's other": {"reasoning_budget_tokens": 2},
    "both": {"thinking_budget_tokens": 2, "reasoning_budget_tokens": 2},
    "Anthropic": {"thinking": {"type": "enabled", "budget_tokens": 2}},
    "OpenRouter": {"reasoning": {"max_tokens": 2, "effort": "low"}},
    "SGLang": {"chat_template_kwargs": {"thinking_budget": 2}},
}


@pytest.mark.parametrize("whose", PLACES)
async def test_budget_is_read_from_every_known_field(whose: str) -> None:
    found = await asked(PLACES[whose])
    assert found
    assert (found.max_tokens, found.closes) == (2, ["</think>"])


@pytest.mark.parametrize(
    "body",
    [{}, {"thinking_budget": None}, {"thinking_budget": -1}, {"thinking": True}, {"reasoning": ""}],
)
async def test_thinking_is_unlimited_without_a_budget(body: dict[str, Any]) -> None:
    assert await asked(body) is None


async def test_budget_is_ignored_without_thinking() -> None:
    assert await asked({"thinking_budget": 2}, format="hermes") is None


async def test_budget_of_the_entry_is_the_default() -> None:
    own = await asked({}, thinking_budget=9)
    other = await asked({"thinking_budget": 0}, thinking_budget=9)
    assert own
    assert other
    assert (own.max_tokens, other.max_tokens) == (9, 0)
    assert await asked({"thinking_budget": -1}, thinking_budget=9) is None


async def test_call_marker_closes_a_thought_only_with_tools() -> None:
    found = await asked({"thinking_budget": 2, "tools": TOOLS})
    assert found
    assert found.closes == ["</think>", "<tool_call>"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"thinking_budget": -2}, "thinking_budget"),
        ({"thinking_budget": 2**31}, "thinking_budget"),
        ({"thinking_token_budget": "many"}, "thinking_token_budget"),
        ({"thinking_budget_tokens": 1.5}, "thinking_budget_tokens"),
        ({"reasoning_budget_tokens": True}, "reasoning_budget_tokens"),
        ({"thinking": {"budget_tokens": -2}}, "thinking.budget_tokens"),
        ({"reasoning": {"max_tokens": []}}, "reasoning.max_tokens"),
        (
            {"chat_template_kwargs": {"thinking_budget": "2"}},
            "chat_template_kwargs.thinking_budget",
        ),
    ],
)
async def test_invalid_budget_is_rejected(body: dict[str, Any], param: str) -> None:
    async with gateway(scripted("Hi"), format="qwen3") as client:
        answer = await client.post("/chat/completions", json=chat(**body))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_interrupted_thought_has_a_note() -> None:
    body = chat(thinking_budget=2)
    async with gateway(CLOSED, format="qwen3") as client:
        whole = (await client.post("/chat/completions", json=body)).json()
        stream = await client.post("/chat/completions", json={**body, "stream": True})
    [choice] = whole["choices"]
    assert choice["message"]["reasoning_content"] == "So,"
    assert choice["message"]["content"] == "Hi."
    assert choice["notes"] == [USED_UP]
    assert events(stream.text)[-1]["choices"][0]["notes"] == [USED_UP]


async def test_thought_closed_by_the_model_has_no_note() -> None:
    async with gateway(ScriptedAnswer(THOUGHT), format="qwen3") as client:
        answer = await client.post("/chat/completions", json=chat(thinking_budget=2))
    assert "notes" not in answer.json()["choices"][0]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("rest", [["Hi", "."], [CALL[:20], CALL[20:]]])
async def test_reasoning_tokens_exclude_the_text_after_the_thought(
    stream: bool, rest: list[str]
) -> None:
    said = ScriptedAnswer([*THOUGHT[:4], *rest])
    body = chat(tools=TOOLS, stream=stream, stream_options={"include_usage": True})
    async with gateway(said, format="qwen3") as client:
        answer = await client.post("/chat/completions", json=body)
    usage = (events(answer.text)[-1] if stream else answer.json())["usage"]
    assert usage["completion_tokens"] == 6
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 3}
