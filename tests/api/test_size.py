"""Requests beyond `limits` are rejected with the name of the limit."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.fakes import TOOLS, Script, ScriptedAnswer, chat, gateway, scripted, until

USER = {"role": "user", "content": "Hello"}
LIMITS = {"body_mb": 1, "messages": 3, "tools": 2, "schema_kb": 1, "depth": 8}


def tool(**parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters}}


def schema(description: str) -> dict[str, Any]:
    answer = {"name": "a", "schema": {"type": "object", "description": description}}
    return {"type": "json_schema", "json_schema": answer}


NESTED: dict[str, Any] = {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}

BEYOND: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": [USER] * 4}, "messages", "limits.messages"),
    ({"tools": [*TOOLS, tool()]}, "tools", "limits.tools"),
    ({"tools": [TOOLS[0], tool(description="x" * 1024)]}, "tools.1", "limits.schema_kb"),
    ({"response_format": schema("x" * 1024)}, "response_format", "limits.schema_kb"),
    ({"tools": [tool(default=NESTED)]}, "tools", "limits.depth"),
    ({"anything": {"a": {"a": NESTED}}}, "anything", "limits.depth"),
]


@pytest.mark.parametrize(("beyond", "param", "limit"), BEYOND)
async def test_request_beyond_a_limit_is_rejected_with_the_name_of_the_limit(
    beyond: dict[str, Any], param: str, limit: str
) -> None:
    async with gateway(scripted("Hi"), {"limits": LIMITS}) as client:
        answer = await client.post("/chat/completions", json=chat(**beyond))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert limit in answer.json()["error"]["message"]


async def test_body_beyond_its_limit_returns_413() -> None:
    async with gateway(scripted("Hi"), {"limits": LIMITS}) as client:
        answer = await client.post("/chat/completions", content=b" " * (2**20 + 1))
    assert answer.status_code == 413
    assert "limits.body_mb" in answer.json()["error"]["message"]


async def test_bodies_beyond_their_total_return_503_until_a_request_ends() -> None:
    script = Script([ScriptedAnswer(["Once "], finish=None), scripted("Hi")])
    large = json.dumps(chat()).encode() + b" " * (600 * 1024)
    async with gateway(script, {"limits": {**LIMITS, "bodies_mb": 1}}) as client:
        running = asyncio.create_task(client.post("/chat/completions", content=large))
        await until(lambda: script.running == 1)
        refused = await client.post("/chat/completions", content=large)
        small = await client.post("/chat/completions", json=chat())
        running.cancel()
        await asyncio.wait({running})
        assert (await client.post("/chat/completions", content=large)).status_code == 200
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "overloaded"
    assert int(refused.headers["retry-after"]) > 0
    assert small.status_code == 200


async def test_request_at_a_limit_is_accepted() -> None:
    most = chat(messages=[USER] * 3, tools=TOOLS, response_format={"type": "text"})
    async with gateway(scripted("Hi"), {"limits": LIMITS}) as client:
        assert (await client.post("/chat/completions", json=most)).status_code == 200
