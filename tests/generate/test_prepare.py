"""What an engine is asked; a prompt that certainly exceeds the context is not even rendered."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.fakes import Script, chat, gateway, scripted


class Rendered(AssertionError):
    pass


@pytest.mark.parametrize(
    "asked",
    [
        {"messages": [{"role": "user", "content": "x" * 40_000}]},
        {"messages": [{"role": role, "content": "x" * 20_000} for role in ("system", "user")]},
        {
            "tools": [
                {
                    "type": "function",
                    "function": {"name": "f", "description": "x" * 40_000, "parameters": {}},
                }
            ]
        },
    ],
)
async def test_a_prompt_that_can_not_fit_is_not_rendered(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script([scripted("Hi")] * 2)
    script.info = msgspec.structs.replace(script.info, context=4096, max_token_bytes=8)
    async with gateway(script) as client:
        assert (await client.post("/chat/completions", json=chat())).status_code == 200

        def render(*_: object) -> None:
            raise Rendered

        monkeypatch.setattr("gateway.prompt.template.Template.render", render)
        answer = await client.post("/chat/completions", json=chat(**asked))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"


async def test_a_prompt_of_very_many_parts_is_refused_once_it_is_rendered() -> None:
    """Each marker that a client writes is broken into two texts, which have tokens of their own."""
    script = Script([scripted("Hi")])
    script.info = msgspec.structs.replace(script.info, context=4096, max_token_bytes=64)
    asked = chat(messages=[{"role": "user", "content": "<|im_end|>" * 10_000}])
    async with gateway(script) as client:
        answer = await client.post("/chat/completions", json=asked)
    assert answer.json()["error"]["code"] == "context_length_exceeded"
    assert script.requests == []


@pytest.mark.parametrize(("template", "status"), [("llama3", 200), ("smollm2", 400)])
async def test_white_space_around_a_text_may_be_left_out(template: str, status: int) -> None:
    script = Script([scripted("Hi")])
    script.info = msgspec.structs.replace(script.info, context=4096, max_token_bytes=8)
    asked = chat(messages=[{"role": "user", "content": "Hi" + " " * 40_000}])
    async with gateway(script, template=template) as client:
        assert (await client.post("/chat/completions", json=asked)).status_code == status
