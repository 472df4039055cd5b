"""The notes of an answer list unenforced schema keywords and their violations."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from gateway.engine.generation import Generation, Output
from gateway.errors import BadRequest
from tests.fakes import TOOLS, Script, ScriptedAnswer, call, chat, events, gateway, scripted

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "integer", "not": {"const": 1}}},
}
ODD = {"type": "function", "function": {"name": "odd", "parameters": SCHEMA}}


def odd_tool(**keywords: Any) -> dict[str, Any]:
    """A tool with a schema that some engine rejects for the `keywords` of `a`."""
    properties = {"a": {"type": "string", **keywords}, "b": {"type": "integer"}}
    function = {"name": "odd", "parameters": {"type": "object", "properties": properties}}
    return {"type": "function", "function": function}


class WithoutLengths(Script):
    """An engine that rejects `maxLength`, which llguidance accepts."""

    async def generate(self, request: Generation) -> AsyncGenerator[Output, None]:
        if "maxLength" in (request.grammar or ""):
            self.requests.append(request)
            raise BadRequest("no maxLength", code="unsupported_schema")
        async with aclosing(super().generate(request)) as outputs:
            async for output in outputs:
                yield output


async def test_call_that_violates_an_unenforced_keyword_has_a_note() -> None:
    text = call("odd", {"a": 1})
    async with gateway(scripted(text)) as client:
        body = chat(tools=[*TOOLS, ODD])
        whole = (await client.post("/chat/completions", json=body)).json()["choices"][0]
        stream = await client.post("/chat/completions", json={**body, "stream": True})
    assert whole["finish_reason"] == "tool_calls"
    assert whole["notes"] == [
        "not enforced while generating: tool 'odd' at #/properties/a: 'not'",
        "the call of 'odd' violates its schema at /a: {\"const\":1} is not allowed for 1",
    ]
    assert events(stream.text)[-1]["choices"][0]["notes"] == whole["notes"]


async def test_call_of_an_enforced_tool_has_no_notes() -> None:
    text = call("get_time", {"city": "Rome"})
    async with gateway(scripted(text)) as client:
        answer = await client.post("/chat/completions", json=chat(tools=[*TOOLS, ODD]))
    assert "notes" not in answer.json()["choices"][0]


async def test_answer_that_violates_its_schema_has_a_note() -> None:
    format = {"type": "json_schema", "json_schema": {"name": "odd", "schema": SCHEMA}}
    async with gateway(scripted('{"a": 1}')) as client:
        answer = await client.post("/chat/completions", json=chat(response_format=format))
    assert "the answer violates its schema at /a" in answer.json()["choices"][0]["notes"][1]


async def test_schema_that_llguidance_rejects_is_relaxed_before_it_is_sent() -> None:
    script = Script([scripted(call("odd", {"a": "x", "b": 1}))])
    async with gateway(script) as client:
        body = chat(tools=[odd_tool(pattern="a^b")])  # it has an anchor in the middle
        answer = await client.post("/chat/completions", json=body)
    [request] = script.requests
    assert "a^b" not in (request.grammar or "")
    assert '"b": {"type": "integer"}' in (request.grammar or "")
    [choice] = answer.json()["choices"]
    assert choice["notes"][0].endswith("tool 'odd' at #/properties/a: 'pattern'")


@pytest.mark.parametrize("answers", [1, 3])
async def test_schema_that_the_engine_rejects_is_relaxed_and_retried(answers: int) -> None:
    script = WithoutLengths([scripted(call("odd", {"a": "x", "b": 1}))])
    async with gateway(script) as client:
        body = chat(tools=[odd_tool(maxLength=9)], n=answers)
        answer = await client.post("/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        first, *rest = script.requests
        assert "maxLength" in (first.grammar or "")
        assert "maxLength" not in (rest[-1].grammar or "")
        for choice in answer.json()["choices"]:
            assert choice["notes"][0].endswith("tool 'odd' at #/properties/a: 'maxLength'")
        script.requests.clear()
        assert (await client.post("/chat/completions", json=body)).status_code == 200
        assert "maxLength" not in (script.requests[0].grammar or "")


async def test_grammar_that_is_always_rejected_returns_400() -> None:
    refuses = ScriptedAnswer(
        rejects=BadRequest("the grammar is too big", code="unsupported_schema")
    )
    async with gateway(refuses) as client:
        answer = await client.post("/chat/completions", json=chat(tools=TOOLS))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "unsupported_schema"


async def test_invalid_schema_returns_400_with_a_pointer() -> None:
    parameters = {"type": "object", "properties": {"a": {"type": 7}}}
    wrong = {"type": "function", "function": {"name": "wrong", "parameters": parameters}}
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/chat/completions", json=chat(tools=[*TOOLS, wrong]))
    assert answer.status_code == 400
    assert "#/properties/a/type" in answer.json()["error"]["message"]


async def test_tool_without_parameters_is_called_without_arguments() -> None:
    bare = {"type": "function", "function": {"name": "now"}}
    script = Script([scripted(call("now", {}))])
    async with gateway(script) as client:
        answer = await client.post("/chat/completions", json=chat(tools=[bare]))
    assert answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == "{}"
