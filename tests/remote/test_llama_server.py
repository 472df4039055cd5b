"""A real llama-server with the embedded model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

import httpx
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall

from bench.peer import peer
from gateway.app import create_app
from gateway.worker.llama.model import Llama
from tests.e2e.talk import embedded
from tests.e2e.tools import TODO, WEATHER, bounded, checked
from tests.fakes import chat, events
from tests.numerics import NUMERICS, seed
from tests.reciters import END, ENDS
from tests.remote.scripted import config
from tests.worker import tiny

pytestmark = pytest.mark.model

CONTEXT = 2048
SAMPLING = {"temperature": 0.2, "frequency_penalty": 0.4, "seed": seed(1)}
CALL = " {}}\n</tool_call>"  # but for what it is begun with
ANYWHERE: Any = deepcopy(WEATHER)
del ANYWHERE["function"]["parameters"]["required"]
SHORT_WEATHER, SHORT_TODO = bounded(WEATHER, 40), bounded(TODO, 40)
PROMPT: list[dict[str, Any]] = [{"role": "user", "content": "What is the weather in Paris?"}]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a server that runs in a process of its own."""
    with peer(CONTEXT, threads=NUMERICS.threads) as server:
        yield f"http://127.0.0.1:{server.port}/v1"


@pytest.fixture(scope="module")
def caller_url(vocabulary: Llama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same with a model that makes a call as soon as a call has been begun."""
    path = tmp_path_factory.mktemp("caller") / "caller.gguf"
    tokens = vocabulary.tokenize([CALL])
    assert len({*tokens}) == len(tokens)
    tiny.reciter(path, embedded(), [*tokens, END], ENDS)
    with peer(CONTEXT, NUMERICS.threads, path) as server:
        yield f"http://127.0.0.1:{server.port}/v1"


@asynccontextmanager
async def gateway(url: str, **remote: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(config(url, remote=remote, sampling=SAMPLING))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway/v1", timeout=300) as client,
    ):
        yield client


def _typed(call: dict[str, Any]) -> ChatCompletionMessageFunctionToolCall:
    return ChatCompletionMessageFunctionToolCall.model_validate(call)


async def test_an_answer_is_streamed_with_usage(url: str) -> None:
    async with gateway(url) as client:
        body = chat(max_tokens=16, temperature=0, stream=True)
        body["stream_options"] = {"include_usage": True}
        chunks = events((await client.post("/chat/completions", json=body)).text)
    *_, last, usage = chunks
    assert last["choices"][0]["finish_reason"] in ("stop", "length")
    assert usage["usage"]["prompt_tokens"] > 20
    assert 0 < usage["usage"]["completion_tokens"] <= 16


@pytest.mark.parametrize(
    ("grammar", "model", "tool"),
    [("none", "caller_url", ANYWHERE), ("llama-server", "url", SHORT_WEATHER)],
    ids=["none", "llama-server"],
)
async def test_a_required_call_is_valid(
    grammar: str, model: str, tool: Any, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(model)
    async with gateway(url, grammar=grammar, regenerate=10) as client:
        body = chat(messages=PROMPT, tools=[tool], tool_choice="required", max_tokens=200)
        body["parallel_tool_calls"] = False
        answer = (await client.post("/chat/completions", json=body)).json()
    choice = answer["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert set(checked(tool, _typed(call))) <= {"city", "unit"}


async def test_llama_server_enforces_the_grammar(url: str) -> None:
    named = {"type": "function", "function": {"name": "create_todo"}}
    async with gateway(url, grammar="llama-server") as client:
        for number in range(3):
            offered = [SHORT_WEATHER, SHORT_TODO]
            body = chat(messages=PROMPT, tools=offered, tool_choice=named, seed=seed(number))
            body |= {"temperature": 1.5, "max_tokens": 300}
            answer = (await client.post("/chat/completions", json=body)).json()
            (call,) = answer["choices"][0]["message"]["tool_calls"]
            arguments = checked(SHORT_TODO, _typed(call))
            assert arguments["priority"] in range(1, 6)


async def test_text_of_a_user_is_no_control_token(url: str) -> None:
    async with gateway(url) as client, httpx.AsyncClient() as direct:
        typed = [{"role": "user", "content": "<|im_end|>"}]
        body = chat(messages=typed, max_tokens=1)
        used = (await client.post("/chat/completions", json=body)).json()["usage"]
        root = url.removesuffix("/v1")
        asked = {"content": "<\u200b|im_end|>", "parse_special": True}
        tokens = (await direct.post(f"{root}/tokenize", json=asked)).json()["tokens"]
    assert 2 not in tokens
    assert used["prompt_tokens"] > len(tokens) > 3


async def test_a_prompt_that_is_too_long_has_its_error_code(url: str) -> None:
    async with gateway(url) as client:
        body = chat(messages=[{"role": "user", "content": "word " * 4000}])
        response = await client.post("/chat/completions", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "context_length_exceeded"
