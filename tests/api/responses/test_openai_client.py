"""The openai SDK's responses work when only `base_url` is changed."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from gateway.errors import EngineDied
from tests.api.responses.asking import FUNCTIONS
from tests.api.test_openai_client import sdk
from tests.fakes import Script, ScriptedAnswer, call, scripted

PARIS = call("get_weather", {"city": "Paris"})
ROME = call("get_time", {"city": "Rome"})
tools: Any = FUNCTIONS


async def test_response_has_text_and_calls() -> None:
    async with sdk(scripted(f"Let me look.\n{PARIS}\n{ROME}")) as client:
        response = await client.responses.create(model="m", input="Hello", tools=tools)
    assert response.status == "completed"
    assert response.output_text == "Let me look."
    calls = [item for item in response.output if item.type == "function_call"]
    assert [(one.name, json.loads(one.arguments)) for one in calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_time", {"city": "Rome"}),
    ]
    assert response.usage
    assert response.usage.output_tokens_details.reasoning_tokens == 0


async def test_stream_helper_accumulates_text_and_calls() -> None:
    said = scripted(f"<think>\nHm.\n</think>\n\nLet me look.\n{PARIS}\n{ROME}", cut=3)
    async with (
        sdk(said, format="qwen3") as client,
        client.responses.stream(model="m", input="Hello", tools=tools) as stream,
    ):
        snapshots = [
            event.snapshot
            async for event in stream
            if event.type
            in ("response.output_text.delta", "response.function_call_arguments.delta")
        ]
        response = await stream.get_final_response()
    assert "Let me look." in snapshots
    assert '{"city": "Rome"}' in snapshots
    assert [item.type for item in response.output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]


async def test_text_is_parsed_into_a_pydantic_model() -> None:
    class Weather(BaseModel):
        city: str
        degrees: int

    script = Script([scripted('{"city": "Paris", "degrees": 12}')])
    async with sdk(script) as client:
        response = await client.responses.parse(model="m", input="Hello", text_format=Weather)
    assert response.output_parsed == Weather(city="Paris", degrees=12)
    assert script.requests[0].grammar is not None


async def test_output_is_accepted_in_the_next_request() -> None:
    """The SDK returns items with every field that it knows."""
    script = Script([scripted(f"<think>\nHm.\n</think>\n\n{PARIS}"), scripted("It rains.")])
    async with sdk(script, format="qwen3") as client:
        first = await client.responses.create(
            model="m", input="Hello", tools=tools, include=["reasoning.encrypted_content"]
        )
        history: list[Any] = [{"role": "user", "content": "Hello"}, *first.output]
        [made] = [item for item in first.output if item.type == "function_call"]
        history.append({"type": "function_call_output", "call_id": made.call_id, "output": "rain"})
        last = await client.responses.create(model="m", input=history, tools=tools)
    assert last.output_text == "It rains."


async def test_error_during_a_stream_is_a_failed_response() -> None:
    async with sdk(ScriptedAnswer(["He"], fails=EngineDied("the worker died"))) as client:
        stream = await client.responses.create(model="m", input="Hello", stream=True)
        events = [event async for event in stream]
    assert events[-1].type == "response.failed"
    assert events[-1].response.error
    assert events[-1].response.error.message == "the worker died"


async def test_errors_raise_the_sdk_exceptions() -> None:
    async with sdk(scripted("Hi")) as client:
        with pytest.raises(openai.NotFoundError) as missing:
            await client.responses.create(model="gpt-9", input="Hello")
        assert missing.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError) as wrong:
            await client.responses.create(model="m", input=[])
        assert wrong.value.param == "input"
