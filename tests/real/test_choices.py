"""Every tool choice, streamed and not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.real.chat import Chat, user

pytestmark = pytest.mark.real

NAMED = {"type": "function", "function": {"name": "create_todo"}}
ALLOWED = {
    "type": "allowed_tools",
    "allowed_tools": {
        "mode": "required",
        "tools": [{"type": "function", "function": {"name": "get_weather"}}],
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "maxLength": 80}},
    "required": ["answer"],
}
ANSWER = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}


@dataclass(frozen=True)
class Choice:
    """Fields of a request, and what they promise: so many calls, of these tools, or else JSON."""

    asks: dict[str, Any]
    least: int = 0
    most: int | None = None
    names: tuple[str, ...] = ("get_weather", "create_todo")
    is_json: bool = False


SHORT = {"max_tokens": 30}  # text may be longer
CHOICES = {
    "auto": Choice({}),
    "one": Choice({"parallel_tool_calls": False}, most=1),
    "required": Choice({"tool_choice": "required"}, least=1),
    "required one": Choice({"tool_choice": "required", "parallel_tool_calls": False}, 1, 1),
    "named": Choice({"tool_choice": NAMED}, 1, 1, ("create_todo",)),
    "allowed": Choice({"tool_choice": ALLOWED}, least=1, names=("get_weather",)),
    "none": Choice({"tool_choice": "none", **SHORT}, most=0),
    "no tools": Choice({"tools": [], **SHORT}, most=0),
    "JSON": Choice({"response_format": ANSWER}, is_json=True),
    "JSON, no tools": Choice({"response_format": ANSWER, "tools": []}, most=0, is_json=True),
}
PROMPTS = ["What is the weather in Paris?", "Thanks, that was all!"]
DUE = [
    *(f"What is the weather in {city}?" for city in ("Oslo", "Rome", "Lima", "Cairo", "Berlin")),
    *(f"Add '{what}' to my todos, with priority 3." for what in ("buy bread", "call Ann")),
    *(f"Tell me the weather in {city} right now." for city in ("Madrid", "Tokyo", "Boston")),
]


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_each_choice_is_kept_streamed_and_not(chat: Chat, choice: Choice, prompt: str) -> None:
    asks = {**choice.asks, "logprobs": True}
    whole, stream = chat.ask([user(prompt)], **asks), chat.stream([user(prompt)], **asks)
    assert whole.is_like(stream)
    for reply in (whole, stream):
        text, called, finish = reply.said
        assert finish != "length" or not (choice.least or choice.is_json)
        assert choice.least <= len(called)
        assert choice.most is None or len(called) <= choice.most
        assert {name for name, _ in called} <= {*choice.names}
        if choice.is_json and not called:
            Draft202012Validator(SCHEMA).validate(json.loads(text))


def test_most_calls_that_are_due_are_made(chat: Chat) -> None:
    replies = [chat.ask([user(prompt)]) for prompt in DUE]
    names = ["create_todo" if "todos" in prompt else "get_weather" for prompt in DUE]
    right = [[name] == [n for n, _ in one.called] for name, one in zip(names, replies, strict=True)]
    assert sum(right) >= 0.7 * len(DUE), [reply.message for reply in replies]


@pytest.mark.parametrize("threshold", [0, 0.8])
def test_a_threshold_decides_by_the_probability(chat: Chat, threshold: float) -> None:
    asks = {"tool_call_probability": True, "tool_call_threshold": threshold}
    made: list[bool] = []
    refused: list[bool] = []
    for prompt in (*PROMPTS, *DUE[:2]):
        reply = chat.ask([user(prompt)], **asks)
        assert reply.probability is not None
        kind = made if reply.probability >= threshold else refused
        kind.append(bool(reply.called))
    assert not any(refused)
    assert sum(made) >= len(made) - 1  # a call as plain JSON may have arguments that do not fit
