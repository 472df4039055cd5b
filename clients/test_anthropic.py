"""Anthropic's SDK."""

from __future__ import annotations

import json

import anthropic
import pytest
from anthropic import Anthropic

TOOLS = [
    {
        "name": "get_weather",
        "description": "Get the current weather in a city",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 40}},
            "required": ["city"],
        },
    }
]
QUESTION = {"role": "user", "content": "What is the weather in Paris?"}
FORCED = {"type": "tool", "name": "get_weather"}


@pytest.fixture
def client(url: str) -> Anthropic:
    return Anthropic(base_url=url, api_key="none", max_retries=0)


def test_text_is_answered_and_streamed_alike(client: Anthropic) -> None:
    asked = {"model": "ending", "max_tokens": 30, "messages": [QUESTION]}
    message = client.messages.create(**asked)
    assert message.content[0].type == "text"
    with client.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
        streamed = stream.get_final_message()
    assert text == streamed.content[0].text == message.content[0].text
    assert streamed.stop_reason == message.stop_reason
    assert streamed.usage.output_tokens == message.usage.output_tokens


def test_a_tool_loop(client: Anthropic) -> None:
    messages = [QUESTION]
    asked = {"model": "smollm2", "max_tokens": 200, "tools": TOOLS, "system": "Be brief."}
    with client.messages.stream(messages=messages, tool_choice=FORCED, **asked) as stream:
        turn = stream.get_final_message()
    [call] = [block for block in turn.content if block.type == "tool_use"]
    assert (turn.stop_reason, call.name) == ("tool_use", "get_weather")
    assert isinstance(call.input["city"], str)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "22 degrees, sunny"}
    messages += [
        {"role": "assistant", "content": turn.content},
        {"role": "user", "content": [result]},
    ]
    counted = client.messages.count_tokens(
        model="smollm2", messages=messages, tools=TOOLS, system="Be brief."
    )
    answer = client.messages.create(messages=messages, **asked)
    assert answer.usage.input_tokens == counted.input_tokens
    assert answer.content


def test_several_calls_are_accumulated(client: Anthropic) -> None:
    with client.messages.stream(
        model="calling",
        max_tokens=120,
        messages=[QUESTION],
        tools=TOOLS,
        tool_choice={"type": "any"},
    ) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_message()
    calls = [block for block in message.content if block.type == "tool_use"]
    assert len(calls) > 1
    assert len({call.id for call in calls}) == len(calls)
    assert kinds.count("content_block_start") == kinds.count("content_block_stop")


def test_an_answer_of_a_schema(client: Anthropic) -> None:
    schema = {"type": "object", "properties": {"sunny": {"type": "boolean"}}, "required": ["sunny"]}
    message = client.messages.create(
        model="smollm2",
        max_tokens=100,
        messages=[QUESTION],
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    assert set(json.loads(message.content[0].text)) == {"sunny"}


def test_errors_have_the_classes_of_the_sdk(client: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="gone") as found:
        client.messages.create(model="gone", max_tokens=10, messages=[QUESTION])
    assert found.value.body["error"]["type"] == "not_found_error"
    assert found.value.request_id
    long = {"role": "user", "content": "word " * 6000}
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        client.messages.create(model="smollm2", max_tokens=10, messages=[long])
