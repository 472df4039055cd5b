"""OpenAI's SDK: chat completions and responses."""

from __future__ import annotations

import json

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 40}},
    "required": ["city"],
    "additionalProperties": False,
}
FUNCTION = {"name": "get_weather", "description": "Get the weather", "parameters": PARAMETERS}
TOOLS = [{"type": "function", "function": FUNCTION}]
FLAT_TOOLS = [{"type": "function", **FUNCTION}]
QUESTION = {"role": "user", "content": "What is the weather in Paris?"}


class Weather(BaseModel):
    sunny: bool


@pytest.fixture
def client(url: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


# -- chat completions


def test_a_chat_is_answered_and_streamed_alike(client: OpenAI) -> None:
    asked = {"model": "ending", "messages": [QUESTION]}
    whole = client.chat.completions.create(**asked)
    with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
        streamed = stream.get_final_completion()
    assert streamed.choices[0].message.content == whole.choices[0].message.content
    assert streamed.usage.total_tokens == whole.usage.total_tokens


def test_a_tool_loop_in_a_chat(client: OpenAI) -> None:
    asked = {"model": "smollm2", "tools": TOOLS}
    with client.chat.completions.stream(
        messages=[QUESTION], tool_choice="required", **asked
    ) as stream:
        turn = stream.get_final_completion().choices[0].message
    call = turn.tool_calls[0]
    assert call.function.name == "get_weather"
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    result = {"role": "tool", "tool_call_id": call.id, "content": "22 degrees, sunny"}
    messages = [QUESTION, turn.model_dump(exclude_none=True), result]
    answer = client.chat.completions.create(messages=messages, max_tokens=30, **asked)
    assert answer.choices[0].finish_reason in ("stop", "length", "tool_calls")


def test_several_calls_are_accumulated(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="calling", messages=[QUESTION], tools=TOOLS, tool_choice="required", max_tokens=120
    ) as stream:
        kinds = {event.type for event in stream}
        calls = stream.current_completion_snapshot.choices[0].message.tool_calls
    assert "tool_calls.function.arguments.delta" in kinds
    assert len(calls) > 1
    assert len({call.id for call in calls}) == len(calls)


def test_a_chat_is_parsed(client: OpenAI) -> None:
    answer = client.chat.completions.parse(
        model="smollm2", messages=[QUESTION], response_format=Weather, max_tokens=100
    )
    assert isinstance(answer.choices[0].message.parsed, Weather)


def test_errors_have_the_classes_of_the_sdk(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as found:
        client.chat.completions.create(model="gone", messages=[QUESTION])
    assert found.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError, match="did you mean 'tool_choice'"):
        client.chat.completions.create(
            model="smollm2", messages=[QUESTION], extra_body={"tool_choices": "auto"}
        )


# -- responses


def test_a_response_is_answered_and_streamed_alike(client: OpenAI) -> None:
    asked = {"model": "ending", "input": QUESTION["content"], "max_output_tokens": 20}
    whole = client.responses.create(**asked)
    with client.responses.stream(**asked) as stream:
        kinds = [event.type for event in stream]
    assert kinds[0] == "response.created"
    assert whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens
    assert kinds[-1] == f"response.{whole.status}"


def test_a_tool_loop_in_responses(client: OpenAI) -> None:
    asked = {"model": "smollm2", "tools": FLAT_TOOLS}
    turn = client.responses.create(input=[QUESTION], tool_choice="required", **asked)
    [call] = [item for item in turn.output if item.type == "function_call"][:1]
    assert isinstance(json.loads(call.arguments)["city"], str)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "22 degrees"}
    answer = client.responses.create(
        input=[QUESTION, *turn.output, result], max_output_tokens=30, **asked
    )
    assert answer.status in ("completed", "incomplete")


def test_a_response_is_parsed(client: OpenAI) -> None:
    answer = client.responses.parse(
        model="smollm2", input=QUESTION["content"], text_format=Weather, max_output_tokens=100
    )
    assert isinstance(answer.output_parsed, Weather)
