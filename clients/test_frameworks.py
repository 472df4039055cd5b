"""Frameworks on top of the SDKs: pydantic-ai, LangChain and the Agents SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import agents
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI
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


@pytest.fixture(params=["anthropic", "ollama", "chat", "responses"])
def chat(request: pytest.FixtureRequest, url: str) -> Callable[[str], BaseChatModel]:
    """A model by its name, through each API of ours that LangChain has a package for."""
    return lambda name: _chat_model(request.param, name, url)


def _chat_model(api: str, model: str, url: str) -> BaseChatModel:
    if api == "anthropic":
        return ChatAnthropic(model=model, base_url=url, api_key="x", max_tokens=100)
    if api == "ollama":
        return ChatOllama(model=model, base_url=url, num_predict=100)
    return ChatOpenAI(
        model=model,
        base_url=f"{url}/v1",
        api_key="x",
        max_tokens=100,
        use_responses_api=api == "responses",
    )


def test_langchain_makes_calls_and_returns_results(chat: Callable[[str], BaseChatModel]) -> None:
    bound = chat("smollm2").bind_tools([get_weather])
    messages = [HumanMessage(QUESTION)]
    turn = bound.invoke(messages)
    assert turn.usage_metadata["input_tokens"] > 0
    messages.append(turn)
    for call in turn.tool_calls:
        messages.append(ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]))
    assert bound.invoke([*messages, HumanMessage("Thanks.")])


def test_langchain_joins_a_stream_to_the_whole(chat: Callable[[str], BaseChatModel]) -> None:
    model = chat("ending")
    pieces = [str(piece.text) for piece in model.stream([HumanMessage(QUESTION)])]
    assert "".join(pieces) == str(model.invoke([HumanMessage(QUESTION)]).text)


async def _run_agent(url: str, *, stream: bool) -> agents.result.RunResultBase:
    """Runs an agent whose first call is forced, with the model's API of its default."""
    agents.set_tracing_disabled(True)
    provider = AsyncOpenAI(base_url=f"{url}/v1", api_key="x")
    agent = agents.Agent(
        name="agent",
        model=agents.OpenAIResponsesModel("smollm2", provider),
        model_settings=agents.ModelSettings(tool_choice="required", max_tokens=100),
        tools=[agents.function_tool(weather_of)],
    )
    if not stream:
        return await agents.Runner.run(agent, QUESTION)
    streamed = agents.Runner.run_streamed(agent, QUESTION)
    async for _ in streamed.stream_events():
        pass
    return streamed


def weather_of(city: str) -> str:
    """Get the current weather in a city."""
    return f"22 degrees in {city}"


@pytest.mark.parametrize("stream", [False, True])
def test_the_agents_sdk_runs_a_tool(url: str, stream: bool) -> None:
    ran = asyncio.run(_run_agent(url, stream=stream))
    kinds = [type(item).__name__ for item in ran.new_items]
    assert "ToolCallItem" in kinds
    assert "ToolCallOutputItem" in kinds
