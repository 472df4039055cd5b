"""A stream of Ollama's API says what the whole answer says, line by line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api.framing import LINES
from gateway.api.ollama.durations import Durations
from gateway.api.ollama.stream import ChatRenderer, GenerateRenderer, OllamaRenderer
from gateway.api.serving import Events
from gateway.chat.events import Event, Finished, FinishReason, Started, Text, Usage, fold
from gateway.errors import EngineDied
from gateway.models.model import ChatModel
from tests.api.answer_events import EVENTS
from tests.api.ollama.bodies import chat, joined, lines, ollama, prompt
from tests.api.snapshot import compare
from tests.depth import pick
from tests.fakes import TOOLS, ScriptedAnswer, call, scripted

SNAPSHOTS = Path(__file__).parent / "snapshots"
PARIS = call("get_weather", {"city": "Paris"})
ROME = call("get_time", {"city": "Rome"})


@dataclass(frozen=True)
class Case:
    says: ScriptedAnswer
    body: dict[str, Any] = field(default_factory=chat)
    path: str = "/chat"


CASES = {
    "text": Case(scripted("Hello, you there!")),
    "nothing": Case(scripted("")),
    "thought_and_calls": Case(
        scripted(f"<think>\nHm.\n</think>\n\nSo.\n{PARIS}\n{ROME}", cut=9), chat(tools=TOOLS)
    ),
    "cut_by_length": Case(scripted(PARIS[:60], finish="length"), chat(tools=TOOLS)),
    "logprobs": Case(
        ScriptedAnswer(["He", "y"], logprobs=True), chat(logprobs=True, top_logprobs=1)
    ),
    "error": Case(ScriptedAnswer(["He", "y"], fails=EngineDied("the model's worker died"))),
    "generate": Case(scripted("<think>\nHm.\n</think>\n\nHello"), prompt(), "/generate"),
    "generate_raw": Case(scripted("Hello"), prompt(raw=True), "/generate"),
}


@pytest.mark.parametrize("name", CASES)
async def test_stream_equals_its_snapshot(name: str) -> None:
    case = CASES[name]
    async with ollama(case.says, format="qwen3") as client:
        answer = await client.post(case.path, json=case.body)
    assert answer.headers["content-type"] == "application/x-ndjson"
    compare(SNAPSHOTS / f"{name}.txt", answer.text)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"error"}))
async def test_joined_stream_equals_the_whole_answer(name: str) -> None:
    case = CASES[name]
    async with ollama(case.says, format="qwen3") as client:
        stream = await client.post(case.path, json=case.body)
        whole = await client.post(case.path, json={**case.body, "stream": False})
    assert whole.headers["content-type"] == "application/json"
    varies = {"created_at", "logprobs", *Durations().until_now()}
    assert _stable(joined(lines(stream.text)), varies) == _stable(whole.json(), varies)


@given(EVENTS, st.sampled_from([ChatRenderer, GenerateRenderer]))
@settings(max_examples=pick(fast=30, deep=200))
def test_joined_lines_equal_the_whole_answer(
    said: list[Event], renderer_of: type[ChatRenderer] | type[GenerateRenderer]
) -> None:
    renderer: OllamaRenderer = renderer_of("m", Durations(lambda: 0))
    usage = Usage(prompt=9, cached=4, completion=3)
    answered = [Started(9), *said, Finished(FinishReason.STOP, usage)]
    rendered: Any = [line for event in answered for line in renderer.render(0, event)]
    whole: Any = renderer.whole([fold(answered)])
    assert _stable(joined(rendered), {"created_at"}) == _stable(whole, {"created_at"})


async def test_durations_add_up() -> None:
    times = iter([0, 5, 7, 30])
    durations = Durations(lambda: next(times))

    async def events() -> Events:
        yield 0, Started(9)
        yield 0, Text("a")
        yield 0, Finished(FinishReason.STOP, Usage())

    async def generate(_: ChatModel) -> Events:
        return events()

    measured = await durations.measured(generate, cast(ChatModel, None))
    assert len([event async for event in measured]) == 3
    assert durations.until_now() == {
        "total_duration": 30,
        "load_duration": 5,
        "prompt_eval_duration": 2,
        "eval_duration": 23,
    }


def test_keep_alive_is_no_line_of_its_own() -> None:
    assert LINES.keep_alive == b" "


def _stable(answer: dict[str, Any], varies: set[str]) -> dict[str, Any]:
    """The answer without what differs between two requests."""
    stable = {key: value for key, value in answer.items() if key not in varies}
    calls = stable.get("message", {}).get("tool_calls", ())
    for one in calls:
        one["id"] = ""
    return stable
