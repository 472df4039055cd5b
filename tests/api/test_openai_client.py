"""The openai SDK works with the gateway when only `base_url` is changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from gateway.errors import EngineDied
from tests.fakes import TOOLS, Script, ScriptedAnswer, call, gateway, scripted

PARIS = call("get_weather", {"city": "Paris"})
ROME = call("get_time", {"city": "Rome"})
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]
tools: Any = TOOLS


@asynccontextmanager
async def sdk(script: Script | ScriptedAnswer, **entry: Any) -> AsyncIterator[AsyncOpenAI]:
    async with gateway(script, **entry) as http:
        own: Any = http  # the SDK accepts httpx, but is annotated with httpx2
        yield AsyncOpenAI(
            api_key="none", base_url="http://gateway/v1", http_client=own, max_retries=0
        )


async def test_completion_has_its_calls() -> None:
    async with sdk(scripted(f"Let me look.\n{PARIS}\n{ROME}")) as client:
        answer = await client.chat.completions.create(model="m", messages=HELLO, tools=tools)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Let me look."
    assert choice.message.tool_calls
    functions = [c.function for c in choice.message.tool_calls if c.type == "function"]
    assert [(f.name, json.loads(f.arguments)) for f in functions] == [
        ("get_weather", {"city": "Paris"}),
        ("get_time", {"city": "Rome"}),
    ]


@pytest.mark.parametrize("calls", ["incremental", "whole"])
async def test_stream_helper_accumulates_text_and_calls(calls: str) -> None:
    script = scripted(f"Let me look.\n{PARIS}\n{ROME}", cut=3)
    async with (
        sdk(script, stream={"tool_calls": calls}) as client,
        client.chat.completions.stream(
            model="m", messages=HELLO, tools=tools, stream_options={"include_usage": True}
        ) as stream,
    ):
        done = [e.name async for e in stream if e.type == "tool_calls.function.arguments.done"]
        answer = await stream.get_final_completion()
    assert done == ["get_weather", "get_time"]
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Let me look."
    assert choice.message.tool_calls
    assert [c.function.name for c in choice.message.tool_calls] == done
    assert [json.loads(c.function.arguments) for c in choice.message.tool_calls] == [
        {"city": "Paris"},
        {"city": "Rome"},
    ]
    assert answer.usage
    assert answer.usage.completion_tokens > 0


async def test_returned_message_is_accepted_in_the_next_request() -> None:
    """The SDK dumps a message with every field it knows, most of them null."""
    async with sdk(Script([scripted(PARIS), scripted("It rains.")])) as client:
        first = await client.chat.completions.create(model="m", messages=HELLO, tools=tools)
        message = first.choices[0].message
        assert message.tool_calls
        history: list[Any] = [
            *HELLO,
            message.model_dump(),
            {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "rain"},
        ]
        last = await client.chat.completions.create(model="m", messages=history, tools=tools)
        history[1] = message
        again = await client.chat.completions.create(model="m", messages=history, tools=tools)
    assert last.choices[0].message.content == "It rains."
    assert again.choices[0].message.content == "It rains."


async def test_answer_is_parsed_into_a_pydantic_model() -> None:
    class Weather(BaseModel):
        city: str
        degrees: int

    async with sdk(scripted('{"city": "Paris", "degrees": 12}')) as client:
        answer = await client.chat.completions.parse(
            model="m", messages=HELLO, response_format=Weather
        )
    assert answer.choices[0].message.parsed == Weather(city="Paris", degrees=12)


async def test_error_during_a_stream_raises_api_error() -> None:
    async with sdk(ScriptedAnswer(["He"], fails=EngineDied("the worker died"))) as client:
        stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
        with pytest.raises(openai.APIError, match="the worker died"):
            _ = [chunk async for chunk in stream]


async def test_errors_raise_the_sdk_exceptions() -> None:
    async with sdk(scripted("Hi")) as client:
        with pytest.raises(openai.NotFoundError) as missing:
            await client.chat.completions.create(model="gpt-9", messages=HELLO)
        assert missing.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError) as wrong:
            await client.chat.completions.create(model="m", messages=[])
        assert wrong.value.param == "messages"


async def test_models_are_listed_and_retrieved() -> None:
    async with sdk(scripted("Hi"), aliases=("default",)) as client:
        assert [model.id async for model in client.models.list()] == ["m"]
        assert (await client.models.retrieve("default")).id == "m"


async def test_reasoning_is_separate_from_the_content() -> None:
    async with sdk(scripted("<think>\nHm.\n</think>\n\nHi."), format="qwen3") as client:
        stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
        said = [chunk.choices[0].delta async for chunk in stream]
    thoughts = [(delta.model_extra or {}).get("reasoning_content") for delta in said]
    assert "".join(filter(None, thoughts)) == "Hm."
    assert "".join(delta.content or "" for delta in said) == "Hi."
