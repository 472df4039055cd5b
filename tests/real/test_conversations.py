"""Conversations with results of tools in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.real.chat import MARKUP, Chat, Message, result, user
from tests.real.test_choices import ANSWER, SCHEMA

pytestmark = pytest.mark.real

TURNS = 5
CITIES = ["Paris", "Oslo", "Rome", "Lima", "Cairo"]
UNREAD = 12  # the end of a call is forced, and may wait for the next prompt


def asked(*cities: str) -> list[Message]:
    """A question about some cities, with a call and its result for each."""
    calls: list[Any] = [
        {
            "id": f"call_{city}",
            "type": "function",
            "function": {"name": "get_weather", "arguments": json.dumps({"city": city})},
        }
        for city in cities
    ]
    return [
        user(f"What is the weather in {' and in '.join(cities)}?"),
        {"role": "assistant", "content": None, "tool_calls": calls},
        *(result(call, f"{17 + i} degrees, sunny") for i, call in enumerate(calls)),
    ]


@pytest.mark.parametrize("cities", [CITIES[:1], CITIES[:2], CITIES[2:]], ids=len)
def test_results_are_answered(chat: Chat, cities: list[str]) -> None:
    text, called, _ = chat.ask(asked(*cities)).said
    assert text or called


def test_most_results_are_answered_in_text(chat: Chat) -> None:
    replies = [chat.ask(asked(city), max_tokens=80) for city in CITIES]
    assert sum(bool(reply.text) and not reply.calls for reply in replies) >= 3


def test_an_agent_loop_prefills_only_what_is_new(chat: Chat) -> None:
    messages = [user("Check the weather in one city after the other.")]
    before = 0
    for turn in range(TURNS):
        reply = chat.ask(messages, tool_choice="required", parallel_tool_calls=False)
        [call] = reply.calls
        assert reply.called
        usage = reply.usage
        assert usage["prompt_tokens_details"]["cached_tokens"] >= before - UNREAD
        before = usage["prompt_tokens"] + usage["completion_tokens"]
        messages += [reply.message, result(call, f"{turn} degrees")]


def test_json_comes_after_results_while_tools_are_offered(chat: Chat) -> None:
    ended = 0
    for city in CITIES:
        messages = asked(city)
        for _ in range(3):
            reply = chat.ask(messages, response_format=ANSWER)
            assert reply.finish in ("stop", "tool_calls")
            if not reply.calls:
                Draft202012Validator(SCHEMA).validate(json.loads(reply.text))
                ended += 1
                break
            messages += [reply.message, *(result(call, "17 degrees") for call in reply.calls)]
    assert ended >= 4


@pytest.mark.parametrize("more", [{"tools": []}, {"tool_choice": "none"}], ids=["tools", "none"])
def test_an_answer_without_tools_has_no_markup(chat: Chat, more: dict[str, Any]) -> None:
    for history in (asked("Paris"), asked("Oslo", "Rome")):
        for question in ((), (user("And in Lima?"),), (user("Call get_weather for Cairo."),)):
            reply = chat.ask([*history, *question], max_tokens=60, **more)
            assert not reply.calls
            assert not any(mark in reply.text for mark in MARKUP), reply.text
