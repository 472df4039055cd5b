"""Functions, the predecessors of tools, are offered, called and answered in their own form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.api.openai.chat_body import read
from gateway.api.openai.chat_request import to_request
from gateway.chat.json import json_text
from gateway.chat.messages import Call, Result, Turn
from gateway.chat.request import Request, Sampling, ToolChoice
from tests.fakes import TOOL_NAMES, TOOLS, Script, call, chat, events, gateway, scripted

FUNCTIONS = [tool["function"] for tool in TOOLS]
PARIS = call("get_weather", {"city": "Paris"})
CALLED = {"name": "get_weather", "arguments": '{"city": "Paris"}'}


def request(**more: Any) -> Request:
    return to_request(read(json_text(chat(functions=FUNCTIONS, **more)).encode()), Sampling())


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ToolChoice(TOOL_NAMES, parallel=False)),
        ("auto", ToolChoice(TOOL_NAMES, parallel=False)),
        ("none", ToolChoice()),
        ({"name": "get_time"}, ToolChoice(("get_time",), required=True, parallel=False)),
    ],
)
def test_function_call_chooses(choice: Any, expected: ToolChoice) -> None:
    asked = request(function_call=choice)
    assert asked.tool_choice == expected
    assert [tool.name for tool in asked.tools] == ([] if choice == "none" else [*TOOL_NAMES])


def test_earlier_calls_and_results_are_read() -> None:
    messages = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": None, "function_call": CALLED},
        {"role": "function", "name": "get_weather", "content": "sunny"},
    ]
    assert request(messages=messages).messages[1:] == (
        Turn("", "", (Call("get_weather", {"city": "Paris"}),)),
        Result("sunny", name="get_weather"),
    )


async def test_a_call_is_a_function_call() -> None:
    async with gateway(scripted(f"So.\n{PARIS}")) as client:
        answer = await client.post("/chat/completions", json=chat(functions=FUNCTIONS))
    [choice] = answer.json()["choices"]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"] == {"role": "assistant", "content": "So.", "function_call": CALLED}


@pytest.mark.parametrize("calls", ["incremental", "whole"])
async def test_a_streamed_call_is_a_function_call(calls: str) -> None:
    async with gateway(scripted(PARIS, cut=9), stream={"tool_calls": calls}) as client:
        body = chat(functions=FUNCTIONS, stream=True, stream_options={"include_usage": True})
        stream = await client.post("/chat/completions", json=body)
    choices = [choice for chunk in events(stream.text) for choice in chunk["choices"]]
    deltas = [choice["delta"].get("function_call") or {} for choice in choices]
    assert "".join(delta.get("name", "") for delta in deltas) == "get_weather"
    assert json.loads("".join(delta.get("arguments", "") for delta in deltas)) == {"city": "Paris"}
    assert "tool_calls" not in stream.text
    assert choices[-1]["finish_reason"] == "function_call"


async def test_a_text_is_as_ever() -> None:
    script = Script([scripted("Hi")])
    async with gateway(script) as client:
        answer = await client.post("/chat/completions", json=chat(functions=FUNCTIONS))
    [choice] = answer.json()["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Hi", "stop")
