"""Custom tools take text, held by a grammar, in both of OpenAI's dialects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.responses.asking import FILES, FUNCTIONS, PATCH_TOOL, asking, stream_events
from tests.api.test_stream_rules import call_deltas
from tests.fakes import TOOLS, Script, call, chat, events, gateway, scripted
from tests.grammar.custom.grammars import ADDED, PATCH

CHAT_PATCH_TOOL: dict[str, Any] = {
    "type": "custom",
    "custom": {
        "name": "apply_patch",
        "description": "Edits files.",
        "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": PATCH}},
    },
}
CALLED = call("apply_patch", {"input": ADDED})
WRITTEN = json.dumps({"name": "apply_patch", "arguments": {"input": ADDED}})  # in a prompt
NAMED = {"type": "custom", "custom": {"name": "apply_patch"}}


def prompt(script: Script) -> str:
    return "".join(map(str, script.requests[-1].prompt))


async def test_chat_call_has_its_input() -> None:
    async with gateway(scripted(CALLED)) as client:
        answer = await client.post("/chat/completions", json=chat(tools=[CHAT_PATCH_TOOL]))
    [choice] = answer.json()["choices"]
    [made] = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert made.pop("id")
    assert made == {"type": "custom", "custom": {"name": "apply_patch", "input": ADDED}}


@pytest.mark.parametrize("cut", [1, 7, 1000])
@pytest.mark.parametrize("calls", ["incremental", "whole"])
async def test_chat_stream_has_the_input_in_pieces(cut: int, calls: str) -> None:
    says, entry = scripted(CALLED, cut), {"stream": {"tool_calls": calls}}
    async with gateway(says, **entry) as client:
        body = chat(tools=[CHAT_PATCH_TOOL, *TOOLS], stream=True)
        answer = await client.post("/chat/completions", json=body)
    first, *rest = call_deltas(events(answer.text))
    assert (first["type"], first["custom"]["name"]) == ("custom", "apply_patch")
    assert [set(piece) for piece in rest] == [{"index", "custom"}] * len(rest)
    assert "".join(piece["custom"]["input"] for piece in (first, *rest)) == ADDED


@pytest.mark.parametrize("choice", [NAMED, "required", "auto"])
async def test_chat_input_is_held_by_its_grammar(choice: Any) -> None:
    script = Script([scripted(CALLED)])
    body = chat(tools=[CHAT_PATCH_TOOL, *TOOLS], tool_choice=choice)
    async with gateway(script) as client:
        assert (await client.post("/chat/completions", json=body)).status_code == 200
    assert "*** Begin Patch" in (script.requests[0].grammar or "")
    assert "*** Begin Patch" in prompt(script)
    assert "Edits files." in prompt(script)


async def test_chat_call_comes_back() -> None:
    script = Script([scripted("Done.")])
    custom = {"name": "apply_patch", "input": ADDED}
    messages = [
        {"role": "user", "content": "Edit"},
        {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": custom}]},
        {"role": "tool", "tool_call_id": "a", "content": "It is edited."},
    ]
    async with gateway(script) as client:
        body = chat(messages=messages, tools=[CHAT_PATCH_TOOL])
        assert (await client.post("/chat/completions", json=body)).status_code == 200
    assert WRITTEN in prompt(script)
    assert "It is edited." in prompt(script)


async def test_allowed_tools_may_be_custom() -> None:
    script = Script([scripted(CALLED)])
    allowed = {"mode": "required", "tools": [NAMED]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    async with gateway(script) as client:
        body = chat(tools=[CHAT_PATCH_TOOL, *TOOLS], tool_choice=choice)
        assert (await client.post("/chat/completions", json=body)).status_code == 200
    assert "get_weather" not in (script.requests[0].grammar or "")


@pytest.mark.parametrize("cut", [1, 7, 1000])
async def test_response_streams_the_input(cut: int) -> None:
    async with gateway(scripted(CALLED, cut)) as client:
        body = asking(tools=[PATCH_TOOL, *FUNCTIONS], stream=True)
        answer = await client.post("/responses", json=body)
    stream = stream_events(answer.text)
    kind = "response.custom_tool_call_input"
    assert "".join(e["delta"] for e in stream if e["type"] == f"{kind}.delta") == ADDED
    [done] = [event for event in stream if event["type"] == f"{kind}.done"]
    assert done["input"] == ADDED
    [item] = stream[-1]["response"]["output"]
    assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "apply_patch", ADDED)


async def test_response_continues_after_a_custom_call() -> None:
    script = Script([scripted(CALLED), scripted("Done.")])
    choice = {"type": "custom", "name": "apply_patch"}
    async with gateway(script) as client:
        body = asking(tools=[PATCH_TOOL], tool_choice=choice)
        first = (await client.post("/responses", json=body)).json()
        [made] = first["output"]
        output = {
            "type": "custom_tool_call_output",
            "call_id": made["call_id"],
            "output": [{"type": "input_text", "text": "It is edited."}],
        }
        items = [{"role": "user", "content": "Edit"}, made, output]
        whole = await client.post("/responses", json=asking(input=items, tools=[PATCH_TOOL]))
        assert WRITTEN in prompt(script)
        stored = asking(input=[output], previous_response_id=first["id"], tools=[PATCH_TOOL])
        assert (await client.post("/responses", json=stored)).status_code == 200
    assert whole.json()["output"][0]["content"][0]["text"] == "Done."
    assert WRITTEN in prompt(script)
    assert "It is edited." in prompt(script)


async def test_namespaces_are_flat_for_the_model_only() -> None:
    said = call("files__read", {"path": "a"}) + "\n" + call("files__write", {"input": "b"})
    script = Script([scripted(said), scripted("Done.")])
    async with gateway(script) as client:
        made = (await client.post("/responses", json=asking(tools=[FILES]))).json()["output"]
        names = [(item["type"], item["namespace"], item["name"]) for item in made]
        assert names == [
            ("function_call", "files", "read"),
            ("custom_tool_call", "files", "write"),
        ]
        items = [{"role": "user", "content": "Hello"}, *made]
        named = {"type": "function", "name": "read", "namespace": "files"}
        body = asking(input=items, tools=[FILES], tool_choice=named)
        assert (await client.post("/responses", json=body)).status_code == 200
    assert '{"name": "files__write", "arguments": {"input": "b"}}' in prompt(script)
    assert "Reads and writes files." in prompt(script)


async def test_call_with_a_wrong_input_is_noted() -> None:
    async with gateway(scripted(call("apply_patch", {"input": "Hi"}))) as client:
        response = (await client.post("/responses", json=asking(tools=[PATCH_TOOL]))).json()
    assert response["notes"] == ["the input of 'apply_patch' does not match its grammar"]
