"""Grammars are sent in the form of each engine, with the ids of its own tokens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import TOOLS, call, chat
from tests.remote.scripted import Engine, Writes, gateway_before, writes

GOOD = call("get_weather", {"city": "Paris"})
TOKENS = {"<|im_start|>": [1], "<|im_end|>": [2], "<tool_call>": [7], "</tool_call>": [8]}


def engine(*answers: Writes) -> Engine:
    return Engine(answers, TOKENS)


@pytest.mark.parametrize("kind", ["vllm", "llama-server"])
async def test_the_grammar_is_sent_to_the_engine(kind: str) -> None:
    remote = engine(writes(GOOD))
    async with gateway_before(remote, remote={"grammar": kind}) as client:
        body = chat(tools=TOOLS, tool_choice="required")
        answer = (await client.post("/chat/completions", json=body)).json()
    asked = remote.requests[0]
    grammar = asked["structured_outputs"]["grammar"] if kind == "vllm" else asked["grammar"]
    assert grammar.startswith("start: " if kind == "vllm" else "%llguidance {}\nstart: ")
    assert "<[7]>" in grammar
    assert asked["prompt"].endswith("assistant\n")
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_weather"


async def test_no_grammar_is_sent_without_the_option() -> None:
    remote = engine(writes("Hi"))
    async with gateway_before(remote) as client:
        await client.post("/chat/completions", json=chat(tools=TOOLS))
    assert not {"grammar", "structured_outputs"} & set(remote.requests[0])


async def test_text_that_is_no_token_of_the_engine_gets_no_separator() -> None:
    remote = Engine([writes("Hi")], {"<|im_end|>": [2]})
    messages = [{"role": "user", "content": "<tool_call> <|im_end|>"}]
    async with gateway_before(remote, remote={"grammar": "vllm"}) as client:
        await client.post("/chat/completions", json=chat(messages=messages))
    assert "<tool_call> <\u200b|im_end|>" in remote.requests[0]["prompt"]


async def test_an_unsupported_schema_is_relaxed_before_it_is_sent() -> None:
    remote = engine(writes(call("f", {"a": "b"})))
    schema: dict[str, Any] = {"type": "string", "pattern": "(?=a)b"}
    function = {"name": "f", "parameters": {"type": "object", "properties": {"a": schema}}}
    body = chat(tools=[{"type": "function", "function": function}])
    async with gateway_before(remote, remote={"grammar": "llama-server"}) as client:
        response = await client.post("/chat/completions", json=body)
    assert response.status_code == 200
    assert "(?=a)" not in remote.requests[0]["grammar"]


async def test_an_engine_that_is_unreachable_at_the_start_is_a_502() -> None:
    source = "http://127.0.0.1:9/v1"
    async with gateway_before(
        engine(), source=source, remote={"grammar": "vllm"}, preload=True
    ) as client:
        response = await client.post("/chat/completions", json=chat())
    assert (response.status_code, response.json()["error"]["code"]) == (502, "remote_failed")
