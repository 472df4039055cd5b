"""A body of Ollama's API becomes the request that it means."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.body import read_as
from gateway.api.ollama.body import GenerateBody, OllamaChatBody
from gateway.api.ollama.request import to_chat, to_generate, to_raw
from gateway.chat.json import json_text
from gateway.chat.messages import Call, Result, Speech, Turn
from gateway.chat.request import Request, Sampling, ToolChoice
from gateway.errors import BadRequest
from gateway.generate.completion import Completion
from tests.api.ollama.bodies import chat, prompt
from tests.fakes import TOOL_NAMES, TOOLS

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def chat_request(budget: int | None = None, **more: Any) -> Request:
    body = read_as(OllamaChatBody, json_text(chat(**more)).encode(), "the body")
    return to_chat(body, Sampling(), budget)


def generate_body(**more: Any) -> GenerateBody:
    return read_as(GenerateBody, json_text(prompt(**more)).encode(), "the body")


def test_messages_are_read() -> None:
    called = {"function": {"name": "f", "arguments": {"a": 1}}}
    given = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello", "images": []},
        {"role": "assistant", "content": "", "thinking": "Hm.", "tool_calls": [called]},
        {"role": "tool", "tool_name": "f", "content": "1"},
        {"role": "tool", "tool_call_id": "call_1", "content": "2"},
    ]
    assert chat_request(messages=given).messages == (
        Speech("system", "Be kind."),
        Speech("user", "Hello"),
        Turn("", "Hm.", (Call("f", {"a": 1}),)),
        Result("1", name="f"),
        Result("2", "call_1"),
    )


def test_the_model_may_call_every_tool() -> None:
    asked = chat_request(tools=TOOLS)
    assert asked.tool_choice == ToolChoice(TOOL_NAMES)
    assert [tool.name for tool in asked.tools] == [*TOOL_NAMES]


@pytest.mark.parametrize(
    ("format", "schema"),
    [(None, None), ("", None), ("json", {"type": "object"}), (SCHEMA, SCHEMA)],
)
def test_format(format: Any, schema: Any) -> None:
    assert chat_request(format=format).response_schema == schema
    assert to_generate(generate_body(format=format), Sampling()).response_schema == schema


def test_options_are_sampling_and_limits() -> None:
    options = {"temperature": 0.5, "top_k": 3, "seed": 7, "stop": ["a"], "num_predict": 9}
    asked = chat_request(options={**options, "num_ctx": 8192, "mirostat": 1})
    assert asked.sampling == Sampling(temperature=0.5, top_k=3, seed=7)
    assert (asked.stop, asked.max_tokens) == (("a",), 9)


@pytest.mark.parametrize("limit", [-1, -2, None])
def test_a_negative_limit_is_none(limit: int | None) -> None:
    assert chat_request(options={"num_predict": limit}).max_tokens is None


@pytest.mark.parametrize(
    ("think", "variables"),
    [
        (None, {}),
        (True, {"reasoning_effort": "medium"}),
        (False, {"reasoning_effort": "none"}),
        ("high", {"reasoning_effort": "high"}),
    ],
)
def test_think(think: Any, variables: dict[str, str]) -> None:
    asked = chat_request(7, think=think)
    assert asked.template_variables == variables
    assert asked.thinking_budget == 7


@pytest.mark.parametrize(("given", "top"), [({}, None), ({"logprobs": True}, 0)])
def test_logprobs(given: dict[str, Any], top: int | None) -> None:
    assert chat_request(**given).top_logprobs == top
    assert chat_request(**given, top_logprobs=2).top_logprobs == (None if top is None else 2)


def test_a_prompt_has_a_system_message() -> None:
    asked = to_generate(generate_body(system="Be kind."), Sampling())
    assert asked.messages == (Speech("system", "Be kind."), Speech("user", "Hello"))


def test_a_raw_prompt_is_continued() -> None:
    body = generate_body(raw=True, options={"num_predict": 5, "stop": "a", "temperature": 0.0})
    assert to_raw(body, Sampling()) == Completion(
        ("Hello",), Sampling(temperature=0.0), 5, special=True, stop=("a",)
    )


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"messages": [{"role": "user", "images": ["abc"]}]}, r"messages\.0\.images.*text only"),
        ({"tools": [{"function": {"name": "not a name"}}]}, "not a name"),
        ({"format": {"type": "nonsense"}}, "JSON Schema is invalid"),
        ({"format": "xml"}, "format"),
        ({"options": {"temperature": "hot"}}, r"options\.temperature"),
    ],
)
def test_what_can_not_be_held_to_is_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        chat_request(**wrong)


@pytest.mark.parametrize("field", ["images", "suffix", "template", "context"])
def test_unsupported_fields_of_a_prompt_are_refused(field: str) -> None:
    with pytest.raises(BadRequest, match=f"'{field}' is not supported"):
        generate_body(**{field: [1]})


def test_a_raw_prompt_has_no_format() -> None:
    with pytest.raises(BadRequest, match="format"):
        to_raw(generate_body(raw=True, format="json"), Sampling())
