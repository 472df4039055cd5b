"""The gateway without grammars."""

from __future__ import annotations

import httpx
import pytest

from gateway.app import create_app
from gateway.evaluation.score import MARKS
from tests.fakes import TOOLS, Script, call, chat, config, no_memory, scripted
from training.evaluation.free import Free


async def answer_of(script: Script, **more: object) -> dict[str, object]:
    async def launch(*_: object) -> Free:
        return Free(script)

    served = create_app(config(), launch, estimate=no_memory)
    async with served.router.lifespan_context(served):
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            body = chat(tools=TOOLS, **more)
            answer = (await client.post("/v1/chat/completions", json=body)).json()
    message: dict[str, object] = answer["choices"][0]["message"]
    return message


@pytest.mark.parametrize("choice", ["auto", "required"])
async def test_a_call_without_a_grammar_is_parsed(choice: str) -> None:
    script = Script([scripted(call("get_time", {"city": "Oban"}))])
    message = await answer_of(script, tool_choice=choice)
    assert message["tool_calls"]
    assert [asked.grammar for asked in script.requests] == [None]


async def test_a_call_with_invalid_arguments_is_returned() -> None:
    message = await answer_of(Script([scripted(call("get_time", {"town": "Oban"}))]))
    assert "town" in str(message["tool_calls"])


async def test_a_malformed_call_is_text_with_its_marker() -> None:
    message = await answer_of(Script([scripted('<tool_call>\n{"name": "get_time", the time}')]))
    assert MARKS[0] in str(message["content"])
    assert not message.get("tool_calls")
