"""Ollama's Python package."""

from __future__ import annotations

import json

import ollama
import pytest
from ollama import Client

QUESTION = {"role": "user", "content": "What is the weather in Paris?"}
SCHEMA = {"type": "object", "properties": {"sunny": {"type": "boolean"}}, "required": ["sunny"]}


def get_weather(city: str) -> str:
    """Get the current weather in a city.

    Args:
        city: the city
    """
    return f"22 degrees in {city}"


@pytest.fixture
def client(url: str) -> Client:
    return Client(url)


def test_models_are_described(client: Client) -> None:
    assert "smollm2" in [model.model for model in client.list().models]
    assert client.show("smollm2").capabilities == ["completion", "tools"]
    client.generate("smollm2")
    assert "smollm2" in [model.model for model in client.ps().models]


def test_text_is_answered_and_streamed_alike(client: Client) -> None:
    options = {"num_predict": 20}
    whole = client.chat("ending", [QUESTION], options=options)
    parts = list(client.chat("ending", [QUESTION], options=options, stream=True))
    assert "".join(part.message.content for part in parts) == whole.message.content
    assert [part.done for part in parts[-2:]] == [False, True]
    assert parts[-1].eval_count == whole.eval_count
    prompt = client.generate("ending", QUESTION["content"], options=options)
    assert prompt.response == whole.message.content


def test_a_function_is_a_tool(client: Client) -> None:
    messages = [QUESTION]
    answer = client.chat("smollm2", messages, tools=[get_weather])
    for call in answer.message.tool_calls or []:
        assert isinstance(call.function.arguments["city"], str)
    messages += [
        ollama.Message(
            role="assistant",
            tool_calls=[{"function": {"name": "get_weather", "arguments": {"city": "Paris"}}}],
        ),
        {"role": "tool", "tool_name": "get_weather", "content": get_weather("Paris")},
    ]
    assert client.chat("smollm2", messages, tools=[get_weather]).done


def test_an_answer_of_a_schema(client: Client) -> None:
    answer = client.chat("smollm2", [QUESTION], format=SCHEMA)
    assert set(json.loads(answer.message.content)) == {"sunny"}


def test_errors_are_response_errors(client: Client) -> None:
    with pytest.raises(ollama.ResponseError, match="gone") as found:
        client.chat("gone", [QUESTION])
    assert found.value.status_code == 404
