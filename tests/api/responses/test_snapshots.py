"""Streams and bodies equal stored snapshots byte for byte; `UPDATE=1 pytest` rewrites them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import EngineDied
from tests.api.responses.asking import FILES, FUNCTIONS, PATCH_TOOL, asking
from tests.api.snapshot import compare
from tests.fakes import ScriptedAnswer, call, gateway, scripted
from tests.grammar.custom.grammars import ADDED

SNAPSHOTS = Path(__file__).parent / "snapshots"

PARIS = call("get_weather", {"city": "Paris"})
ROME = call("get_time", {"city": "Rome"})
THOUGHT = "<think>\nHm, hello?\n</think>\n\nHi."


@dataclass(frozen=True)
class Case:
    says: ScriptedAnswer
    body: dict[str, Any] = field(default_factory=dict)
    entry: dict[str, Any] = field(default_factory=dict)


CASES = {
    "text": Case(scripted("Hello, you there!")),
    "nothing": Case(scripted("")),
    "two_calls": Case(scripted(f"{PARIS}\n{ROME}", cut=9), {"tools": FUNCTIONS}),
    "text_then_call": Case(scripted(f"Let me look.\n{PARIS}", cut=8), {"tools": FUNCTIONS}),
    "reasoning": Case(scripted(THOUGHT), {}, {"format": "qwen3"}),
    "summary": Case(scripted(THOUGHT), {"reasoning": {"summary": "auto"}}, {"format": "qwen3"}),
    "custom_call": Case(
        scripted(call("apply_patch", {"input": ADDED}), cut=30), {"tools": [PATCH_TOOL]}
    ),
    "namespaced_call": Case(
        scripted(call("files__read", {"path": "a"}), cut=20), {"tools": [FILES]}
    ),
    "text_cut_by_length": Case(scripted("Hello, you", finish="length")),
    "call_cut_by_length": Case(scripted(PARIS[:60], finish="length"), {"tools": FUNCTIONS}),
    "logprobs": Case(ScriptedAnswer(["He", "y"], logprobs=True), {"top_logprobs": 1}),
    "error": Case(ScriptedAnswer(["He", "y"], fails=EngineDied("the model's worker died"))),
    "settings": Case(
        scripted('{"a": 1}'),
        {
            "instructions": "Be brief.",
            "tools": [*FUNCTIONS[:1], {"type": "web_search", "external_web_access": True}],
            "tool_choice": "none",
            "parallel_tool_calls": False,
            "text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}}},
            "max_output_tokens": 99,
            "temperature": 0,
            "metadata": {"k": "v"},
            "store": False,
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_stream_equals_its_snapshot(name: str) -> None:
    case = CASES[name]
    async with gateway(case.says, **case.entry) as client:
        answer = await client.post("/responses", json=asking(stream=True, **case.body))
    assert answer.headers["content-type"].startswith("text/event-stream")
    compare(SNAPSHOTS / f"{name}.txt", answer.text)


@pytest.mark.parametrize("name", [name for name in CASES if name != "error"])
async def test_body_equals_its_snapshot(name: str) -> None:
    case = CASES[name]
    async with gateway(case.says, **case.entry) as client:
        answer = await client.post("/responses", json=asking(**case.body))
    compare(SNAPSHOTS / f"{name}.json", answer.text)
