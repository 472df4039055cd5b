"""`tool_call_probability` and `tool_call_threshold`, from the request to the answer."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.engine.engine import Features
from gateway.engine.generation import Opened
from tests.fakes import TOOLS, Script, ScriptedAnswer, call, chat, events, gateway

PARIS = call("get_weather", {"city": "Paris"})
JSON = '{"name": "get_time", "arguments": {"city": "Rome"}}'
ASKS: dict[str, Any] = {"tools": TOOLS, "tool_call_probability": True}


def answer(text: str, probability: float | None, *, is_so: bool, at: int = 0) -> ScriptedAnswer:
    """An answer in pieces of four characters, of which each has the log-probability -0.5."""
    pieces = [text[at : at + 4] for at in range(0, len(text), 4)]
    opening = Opened(probability, is_so)
    return ScriptedAnswer(pieces, logprobs=True, opening=opening, opened_at=at)


async def asked(answer: ScriptedAnswer, settings: Any = None, **more: Any) -> tuple[Any, Any, Any]:
    """The choice, the chunks of the choice, and the request to the engine."""
    script = Script([answer])
    async with gateway(script, **(settings or {})) as client:
        whole = await client.post("/chat/completions", json=chat(**more))
        assert whole.status_code == 200, whole.text
        stream = await client.post("/chat/completions", json=chat(stream=True, **more))
    chunks = [event["choices"][0] for event in events(stream.text)]
    return whole.json()["choices"][0], chunks, script.requests[0]


async def test_a_choice_and_its_calls_have_their_probabilities() -> None:
    choice, chunks, _ = await asked(answer(PARIS, 0.9, is_so=True), **ASKS)
    [made] = choice["message"]["tool_calls"]
    assert choice["tool_call_probability"] == 0.9
    assert 0 < made["probability"] < 1
    assert choice["logprobs"] is None
    first = next(chunk for chunk in chunks if "tool_calls" in chunk["delta"])
    assert first["delta"]["tool_calls"][0]["probability"] == made["probability"]
    assert chunks[-1]["tool_call_probability"] == 0.9
    assert [chunk for chunk in chunks[:-1] if "tool_call_probability" in chunk] == []


async def test_text_has_the_probability_of_a_call_too() -> None:
    choice, chunks, _ = await asked(answer("Hello.", 0.02, is_so=False), **ASKS)
    assert choice["message"]["content"] == "Hello."
    assert choice["tool_call_probability"] == chunks[-1]["tool_call_probability"] == 0.02


async def test_probabilities_cost_nothing_where_they_are_not_requested() -> None:
    choice, _, request = await asked(answer(PARIS, 0.9, is_so=True), tools=TOOLS)
    assert (request.opening, request.top_logprobs) == (None, None)
    assert "tool_call_probability" not in choice
    assert "probability" not in choice["message"]["tool_calls"][0]


@pytest.mark.parametrize("more", [{}, {"tools": TOOLS, "tool_choice": "none"}])
async def test_a_request_without_tools_has_no_probability(more: dict[str, Any]) -> None:
    _, _, request = await asked(answer("Hi.", None, is_so=False), **{**ASKS, "tools": []} | more)
    assert request.opening is None


async def test_log_probabilities_and_probabilities_of_calls_can_both_be_requested() -> None:
    choice, _, request = await asked(
        answer(PARIS, 0.9, is_so=True), **ASKS, logprobs=True, top_logprobs=1
    )
    assert request.top_logprobs == 1
    assert len(choice["logprobs"]["content"]) == -(-len(PARIS) // 4)
    assert choice["message"]["tool_calls"][0]["probability"] < 1


async def test_an_engine_that_does_not_know_has_a_note() -> None:
    script = Script([answer(PARIS, None, is_so=True)], features=Features(weighs_openings=False))
    async with gateway(script) as client:
        found = (await client.post("/chat/completions", json=chat(**ASKS))).json()["choices"][0]
        refused = await client.post("/chat/completions", json=chat(**ASKS, tool_call_threshold=0.5))
    assert "tool_call_probability" not in found
    assert "this model's engine does not tell how probable a call is" in found["notes"][0]
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "tool_call_threshold"
    assert script.requests[0].top_logprobs is None


# -- the threshold


@pytest.mark.parametrize(
    ("entry", "body", "expected"),
    [
        (None, {}, None),
        (0.8, {}, 0.8),
        (0.8, {"tool_call_threshold": 0.5}, 0.5),
        (0.8, {"tool_call_threshold": 0}, 0),
    ],
)
async def test_the_threshold_of_a_request_overrides_that_of_the_model(
    entry: float | None, body: dict[str, Any], expected: float | None
) -> None:
    settings = {"tool_call_threshold": entry}
    _, _, request = await asked(answer("Hi.", 1, is_so=False), settings, tools=TOOLS, **body)
    assert (request.opening and request.opening.threshold) == expected


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "get_time"}}]
)
async def test_a_required_call_has_no_threshold(choice: Any) -> None:
    settings = {"tool_call_threshold": 0.9}
    more = {**ASKS, "tool_choice": choice}
    _, _, request = await asked(answer(PARIS, 0.1, is_so=True), settings, **more)
    assert request.opening.threshold is None


@pytest.mark.parametrize("at", [0, 3, 6])
async def test_plain_json_below_the_threshold_is_text(at: int) -> None:
    text = f"{JSON}\n{JSON}"
    more = {"tools": TOOLS, "tool_call_threshold": 0.9}
    choice, chunks, _ = await asked(answer(text, 0.5, is_so=False, at=at), **more)
    assert choice["message"]["content"] == text
    assert choice["finish_reason"] == "stop"
    assert "".join(chunk["delta"].get("content") or "" for chunk in chunks) == text


async def test_json_of_a_format_that_is_json_is_text_below_the_threshold() -> None:
    text = '{"name": "get_time", "parameters": {"city": "Rome"}}'
    more = {"tools": TOOLS, "tool_call_threshold": 0.9}
    settings = {"template": "llama3", "format": "llama3"}
    choice, _, _ = await asked(answer(text, 0.5, is_so=False, at=2), settings, **more)
    assert choice["message"]["content"] == text


async def test_a_call_is_read_at_the_threshold() -> None:
    more = {"tools": TOOLS, "tool_call_threshold": 0.9}
    choice, _, _ = await asked(answer(PARIS, 0.9, is_so=True), **more)
    assert choice["finish_reason"] == "tool_calls"
    assert "tool_call_probability" not in choice
