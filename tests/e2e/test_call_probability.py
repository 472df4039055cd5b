"""How probable a call is, as the embedded model says, and what a threshold makes of that."""

from __future__ import annotations

from typing import Any

import pytest
from openai import OpenAI

from tests.e2e.tools import TODO, WEATHER, bounded
from tests.likeliest import ROUNDING

pytestmark = pytest.mark.model

TOOLS = [bounded(WEATHER, 40), bounded(TODO, 40)]
ASKS: dict[str, Any] = {"tool_call_probability": True}
PROMPTS = ["What is the weather in Paris?", "Who wrote Hamlet?", "}}}"]


def ask(client: OpenAI, prompt: str, asks: dict[str, Any], **more: Any) -> Any:
    return client.chat.completions.create(
        model="smollm2",
        messages=[{"role": "user", "content": prompt}],
        tools=TOOLS,
        max_tokens=300,
        extra_body=asks,
        **more,
    )


def probability(choice: Any) -> float:
    found: float = choice.model_dump()["tool_call_probability"]
    assert 0 <= found <= 1
    return found


def test_a_call_is_more_probable_where_one_is_due(client: OpenAI) -> None:
    due, other = [ask(client, prompt, ASKS).choices[0] for prompt in PROMPTS[:2]]
    assert probability(due) > probability(other)
    [call] = due.message.tool_calls
    assert call.model_dump()["probability"] > 0.5


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_stream_has_the_probabilities_of_the_whole(client: OpenAI, prompt: str) -> None:
    whole = ask(client, prompt, ASKS).choices[0]
    chunks = [chunk.choices[0] for chunk in ask(client, prompt, ASKS, stream=True)]
    assert probability(chunks[-1]) == pytest.approx(probability(whole), abs=ROUNDING)
    started = [call for chunk in chunks for call in chunk.delta.tool_calls or [] if call.id]
    assert all(0 < call.model_dump()["probability"] <= 1 for call in started)


def test_a_required_call_has_the_probability_of_a_free_one(client: OpenAI) -> None:
    for prompt in PROMPTS:
        free, required = (
            ask(client, prompt, ASKS, tool_choice=choice).choices[0]
            for choice in ("auto", "required")
        )
        # Where the free answer leaves the opening of a call, no more of it is known.
        assert probability(required) <= probability(free) + ROUNDING


@pytest.mark.parametrize("prompt", PROMPTS)
def test_each_answer_keeps_to_the_threshold(client: OpenAI, prompt: str) -> None:
    for threshold in (0, 0.9):
        choice = ask(client, prompt, {**ASKS, "tool_call_threshold": threshold}).choices[0]
        is_call = bool(choice.message.tool_calls)
        assert choice.finish_reason != "length"
        assert is_call == (probability(choice) >= threshold)
