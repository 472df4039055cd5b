"""Response bodies equal stored snapshots byte for byte; `UPDATE=1 pytest` rewrites them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import EngineDied
from tests.api.snapshot import compare
from tests.fakes import TOOLS, ScriptedAnswer, call, chat, gateway, scripted

SNAPSHOTS = Path(__file__).parent / "snapshots"

PARIS = call("get_weather", {"city": "Paris"})
ROME = call("get_time", {"city": "Rome"})


@dataclass(frozen=True)
class Case:
    says: ScriptedAnswer
    body: dict[str, Any] = field(default_factory=dict)
    entry: dict[str, Any] = field(default_factory=dict)


WHOLE = {"stream": {"tool_calls": "whole", "content": "always"}}

CASES = {
    "text": Case(scripted("Hello, you there!")),
    "one_call": Case(scripted(PARIS), {"tools": TOOLS}),
    "two_calls": Case(scripted(f"{PARIS}\n{ROME}", cut=9), {"tools": TOOLS}),
    "text_then_call": Case(scripted(f"Let me look.\n{PARIS}", cut=8), {"tools": TOOLS}),
    "reasoning": Case(scripted("<think>\nHm, hello?\n</think>\n\nHi."), {}, {"format": "qwen3"}),
    "call_cut_by_length": Case(scripted(PARIS[:60], finish="length"), {"tools": TOOLS}),
    "usage": Case(scripted("Hello"), {"stream_options": {"include_usage": True}}),
    "two_answers": Case(scripted("Hello"), {"n": 2}),
    "logprobs": Case(
        ScriptedAnswer(["He", "y"], logprobs=True), {"logprobs": True, "top_logprobs": 1}
    ),
    "error": Case(ScriptedAnswer(["He", "y"], fails=EngineDied("the model's worker died"))),
    "whole_calls": Case(scripted(f"So.\n{PARIS}\n{ROME}"), {"tools": TOOLS}, WHOLE),
    "whole_call_cut_by_length": Case(
        scripted(PARIS[:60], finish="length"), {"tools": TOOLS}, WHOLE
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_stream_equals_its_snapshot(name: str) -> None:
    case = CASES[name]
    async with gateway(case.says, **case.entry) as client:
        answer = await client.post("/chat/completions", json=chat(stream=True, **case.body))
    assert answer.headers["content-type"].startswith("text/event-stream")
    compare(SNAPSHOTS / f"{name}.txt", answer.text)


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("usage", "error")])
async def test_completion_equals_its_snapshot(name: str) -> None:
    case = CASES[name]
    async with gateway(case.says, **case.entry) as client:
        answer = await client.post("/chat/completions", json=chat(**case.body))
    compare(SNAPSHOTS / f"{name}.json", answer.text)
