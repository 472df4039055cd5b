"""The field `reproducible` of a request: what the engine is asked, and the note if it can't."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tests.fakes import INFO, TOOLS, Script, chat, gateway, scripted

EXACT = msgspec.structs.replace(INFO, not_reproducible="")
VARYING = msgspec.structs.replace(INFO, not_reproducible="its kernels vary")
NOTE = "not reproducible: its kernels vary"

MESSAGES = [{"role": "user", "content": "Hi"}]
BODIES: dict[str, dict[str, Any]] = {
    "/chat/completions": {"messages": MESSAGES},
    "/completions": {"prompt": "Hi"},
    "/messages": {"messages": MESSAGES, "max_tokens": 9},
    "/responses": {"input": "Hi"},
}


def notes_of(answer: dict[str, Any]) -> list[str]:
    [holder] = answer.get("choices", [answer])
    notes: list[str] = holder.get("notes", [])
    return notes


@pytest.mark.parametrize("route", BODIES)
async def test_a_request_that_asks_is_reproducible_and_has_a_seed(route: str) -> None:
    script = Script([scripted("Hello.")], EXACT)
    body = {"model": "m", **BODIES[route]}
    async with gateway(script, reproducible="auto") as client:
        usual = await client.post(route, json=body)
        asks = await client.post(route, json={**body, "reproducible": True})
    assert (usual.status_code, asks.status_code) == (200, 200)
    assert notes_of(asks.json()) == []
    first, second = script.requests
    assert (first.reproducible, first.sampling.seed) == (False, None)
    assert (second.reproducible, second.sampling) == (True, replace(first.sampling, seed=0))


@pytest.mark.parametrize("route", BODIES)
async def test_an_answer_that_is_not_reproducible_says_why_if_its_request_asks(route: str) -> None:
    script = Script([scripted("Hello.")], VARYING)
    body = {"model": "m", **BODIES[route]}
    async with gateway(script, reproducible="auto") as client:
        usual = await client.post(route, json=body)
        asks = await client.post(route, json={**body, "reproducible": True})
        stream = await client.post(route, json={**body, "reproducible": True, "stream": True})
    assert notes_of(usual.json()) == []
    assert notes_of(asks.json()) == [NOTE]
    assert NOTE in stream.text
    assert not any(request.reproducible for request in script.requests)


async def test_with_always_each_request_is_reproducible_with_the_seed_that_it_has() -> None:
    script = Script([scripted("Hello.")], EXACT)
    async with gateway(script, reproducible="always") as client:
        await client.post("/chat/completions", json=chat())
        await client.post("/chat/completions", json=chat(reproducible=True, seed=7))
    assert [(one.reproducible, one.sampling.seed) for one in script.requests] == [
        (True, None),
        (True, 7),
    ]


async def test_with_auto_a_seed_is_a_promise() -> None:
    script = Script([scripted("Hello.")], EXACT)
    async with gateway(script, reproducible="auto") as client:
        await client.post("/chat/completions", json=chat(seed=7))
        await client.post("/completions", json={"model": "m", "prompt": "Hi", "seed": 7})
    assert [one.reproducible for one in script.requests] == [True, True]


WRITTEN = '<tool_call>\n{"name": "get_time",  "arguments": {"city": "Rome"}}\n</tool_call>'


@pytest.mark.parametrize(
    ("setting", "field", "as_written"),
    [("auto", False, True), ("auto", True, False), ("always", False, False)],
)
async def test_a_reproducible_prompt_does_not_depend_on_how_an_answer_was_written(
    setting: str, field: bool, as_written: bool
) -> None:
    script = Script([scripted(WRITTEN)], EXACT)
    async with gateway(script, reproducible=setting) as client:
        body = chat(tools=TOOLS, reproducible=field)
        turn = (await client.post("/chat/completions", json=body)).json()["choices"][0]["message"]
        result = {
            "role": "tool",
            "tool_call_id": turn["tool_calls"][0]["id"],
            "content": "noon",
        }
        await client.post(
            "/chat/completions", json={**body, "messages": [*body["messages"], turn, result]}
        )
    prompt = "".join(map(str, script.requests[1].prompt))
    assert ('"get_time",  "arguments"' in prompt) is as_written
    assert '"get_time"' in prompt
