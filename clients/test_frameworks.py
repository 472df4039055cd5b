"""Frameworks on top of the SDKs: pydantic-ai and LangChain."""

from __future__ import annotations

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

QUESTION = "What is the weather in Paris?"


class Weather(BaseModel):
    sunny: bool


@tool
def get_weather(city: str) -> str:
    """Get the current weather in a city."""
    return f"22 degrees in {city}"


@pytest.fixture(params=["anthropic", "chat", "responses"])
def model(request: pytest.FixtureRequest, url: str) -> Model:
    """The default model, through each API that pydantic-ai speaks."""
    if request.param == "anthropic":
        return AnthropicModel("smollm2", provider=AnthropicProvider(api_key="x", base_url=url))
    provider = OpenAIProvider(api_key="x", base_url=f"{url}/v1")
    kind = OpenAIChatModel if request.param == "chat" else OpenAIResponsesModel
    return kind("smollm2", provider=provider)


def test_pydantic_ai_gets_an_output_of_its_type(model: Model) -> None:
    """The output is that of a tool that must be called."""
    answer = Agent(model, output_type=Weather).run_sync(QUESTION)
    assert isinstance(answer.output, Weather)
    assert answer.usage.input_tokens > 0


@pytest.fixture(params=["anthropic", "ollama"])
def chat(request: pytest.FixtureRequest, url: str) -> BaseChatModel:
    """The default model, through each API of ours that LangChain has a package for."""
    if request.param == "anthropic":
        return ChatAnthropic(model="smollm2", base_url=url, api_key="x", max_tokens=100)
    return ChatOllama(model="smollm2", base_url=url, num_predict=100)


def test_langchain_makes_calls_and_returns_results(chat: BaseChatModel) -> None:
    bound = chat.bind_tools([get_weather])
    messages = [HumanMessage(QUESTION)]
    turn = bound.invoke(messages)
    assert turn.usage_metadata["input_tokens"] > 0
    messages.append(turn)
    for call in turn.tool_calls:
        messages.append(ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]))
    assert bound.invoke([*messages, HumanMessage("Thanks.")])


def test_langchain_joins_a_stream_to_the_whole(chat: BaseChatModel) -> None:
    pieces = [str(piece.text) for piece in chat.stream([HumanMessage(QUESTION)])]
    assert "".join(pieces) == str(chat.invoke([HumanMessage(QUESTION)]).text)
