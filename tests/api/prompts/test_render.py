"""The render route shows what a chat request asks of the engine, and generates nothing."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from tests.api.encoder import ENTRY, Encoder
from tests.fakes import CACHED_TOKENS, INFO, PROMPT_TOKENS, TOOLS, Script, chat, gateway, scripted
from tests.remote.scripted import gateway_before, writes

PATH = "/chat/completions/render"
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}


def text_of(parts: list[dict[str, str]]) -> str:
    return "".join(text for part in parts for text in part.values())


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tools": TOOLS, "tool_choice": "required"},
        {"tools": TOOLS, "parallel_tool_calls": False, "stream": True, "n": 2},
        {"response_format": FORMAT},
    ],
)
async def test_the_prompt_and_the_grammar_are_those_of_the_answer(more: dict[str, Any]) -> None:
    script = Script([scripted("Hi")])
    async with gateway(script) as client:
        shown = (await client.post(PATH, json=chat(**more))).json()
        assert not script.requests
        await client.post("/chat/completions", json=chat(**more))
    asked = script.requests[0]
    assert shown["grammar"] == asked.grammar
    assert script.tokenized == [asked.prompt]
    assert shown["token_ids"] == [*range(PROMPT_TOKENS)]
    assert shown["cached_tokens"] == CACHED_TOKENS
    assert text_of(shown["prompt_parts"]) == shown["prompt"]
    assert (shown["model"], shown["format"], shown["trigger"]) == ("m", "hermes", "<tool_call>")


async def test_special_tokens_of_the_template_are_told_from_the_same_text_of_a_user() -> None:
    said = chat(messages=[{"role": "user", "content": "Say <|im_end|> please"}])
    async with gateway(scripted("")) as client:
        shown = (await client.post(PATH, json=said)).json()
    assert "user\nSay <|im_end|> please<|im_end|>\n" in shown["prompt"]
    specials = [part["special"] for part in shown["prompt_parts"] if "special" in part]
    texts = "".join(part["text"] for part in shown["prompt_parts"] if "text" in part)
    assert "Say <|im_end|> please" in texts
    assert shown["prompt"].count("<|im_end|>") == specials.count("<|im_end|>") + 1


async def test_the_part_of_the_answer_that_the_prompt_contains_is_shown() -> None:
    template = "{{ messages[0].content }}<|im_start|>assistant\n<think>{{ '\\n' }}"
    info = msgspec.structs.replace(INFO, chat_templates={"default": template})
    async with gateway(Script([], info), template="gguf", format="qwen3") as client:
        shown = (await client.post(PATH, json=chat())).json()
    assert shown["prompt"] == "Hello<|im_start|>assistant\n<think>\n"
    assert shown["answer_prefix"] == "<think>\n"


async def test_a_remote_model_does_not_tell_its_tokens() -> None:
    async with gateway_before(writes("")) as client:
        shown = (await client.post(PATH, json=chat(tools=TOOLS))).json()
    assert (shown["token_ids"], shown["cached_tokens"]) == (None, None)
    assert "get_weather" in shown["prompt"]
    assert "get_weather" in shown["grammar"]


REFUSED: list[tuple[dict[str, Any], int, str | None]] = [
    (chat(model="nobody"), 404, "model"),
    (chat(messages=[]), 400, "messages"),
    (chat(tools=[{"type": "function", "function": {"name": "a b"}}]), 400, "tools"),
    (chat(tools=TOOLS, tool_choice={"type": "function", "function": {"name": "f"}}), 400, None),
]


@pytest.mark.parametrize(("body", "status", "param"), REFUSED)
async def test_what_the_chat_route_refuses_is_refused(
    body: dict[str, Any], status: int, param: str | None
) -> None:
    async with gateway(scripted("Hi")) as client:
        answers: list[httpx.Response] = [
            await client.post(path, json=body) for path in (PATH, "/chat/completions")
        ]
    assert answers[0].status_code == answers[1].status_code == status
    assert answers[0].json() == answers[1].json()
    assert param is None or answers[0].json()["error"]["param"].startswith(param)


async def test_an_embedding_model_has_no_prompt() -> None:
    async with gateway(Encoder(), **ENTRY) as client:
        answer = await client.post(PATH, json=chat())
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "model"
