"""A stream of the Anthropic API says what the whole message says, event by event."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api.anthropic.stream import FRAMING, MessagesRenderer, Thoughts
from gateway.api.signing import Signer
from gateway.chat.events import Event, Finished, FinishReason, Started, Usage, fold
from gateway.errors import BadRequest, Busy, EngineDied, GatewayError
from tests.api.answer_events import EVENTS
from tests.api.anthropic.bodies import THINKING, TOOLS, body, events, message_of
from tests.api.snapshot import compare
from tests.depth import pick
from tests.fakes import ScriptedAnswer, call, gateway, scripted

SIGNER = Signer()
SNAPSHOTS = Path(__file__).parent / "snapshots"
PARIS = call("get_weather", {"city": "Paris"})
ROME = call("get_time", {"city": "Rome"})


@dataclass(frozen=True)
class Case:
    says: ScriptedAnswer
    body: dict[str, Any] = field(default_factory=dict)


THOUGHT = f"<think>\nHm, hello?\n</think>\n\nHi.\n{PARIS}"
CASES = {
    "text": Case(scripted("Hello, you there!")),
    "nothing": Case(scripted("")),
    "text_then_two_calls": Case(scripted(f"So.\n{PARIS}\n{ROME}", cut=9), {"tools": TOOLS}),
    "thinking": Case(scripted(THOUGHT, cut=9), {"tools": TOOLS, "thinking": THINKING}),
    "thinking_omitted": Case(
        scripted(THOUGHT, cut=20),
        {"tools": TOOLS, "thinking": {"type": "adaptive", "display": "omitted"}},
    ),
    "thinking_disabled": Case(scripted(THOUGHT, cut=20), {"tools": TOOLS}),
    "stop_sequence": Case(scripted("Hello STOP you"), {"stop_sequences": ["END", "STOP"]}),
    "call_cut_by_length": Case(scripted(PARIS[:60], finish="length"), {"tools": TOOLS}),
    "cached": Case(scripted("Hi"), {"cache_control": {"type": "ephemeral"}}),
    "error": Case(ScriptedAnswer(["He", "y"], fails=EngineDied("the model's worker died"))),
}


@pytest.mark.parametrize("name", CASES)
async def test_stream_equals_its_snapshot(name: str) -> None:
    case = CASES[name]
    async with gateway(case.says, format="qwen3") as client:
        answer = await client.post("/messages", json=body(stream=True, **case.body))
    assert answer.headers["content-type"].startswith("text/event-stream")
    compare(SNAPSHOTS / f"{name}.txt", answer.text)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"error", "call_cut_by_length"}))
async def test_accumulated_stream_equals_the_message(name: str) -> None:
    case = CASES[name]
    async with gateway(case.says, format="qwen3") as client:
        stream = await client.post("/messages", json=body(stream=True, **case.body))
        whole = await client.post("/messages", json=body(**case.body))
    assert _without_ids(message_of(events(stream.text))) == _without_ids(whole.json())


async def test_a_call_that_was_cut_off_is_not_in_the_message() -> None:
    case = CASES["call_cut_by_length"]
    async with gateway(case.says) as client:
        message = (await client.post("/messages", json=body(**case.body))).json()
    assert (message["content"], message["stop_reason"]) == ([], "max_tokens")
    assert message["notes"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_that_was_left_out_has_a_note(stream: bool) -> None:
    tools = [*TOOLS, {"type": "web_search_20250305", "name": "web_search"}]
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/messages", json=body(tools=tools, stream=stream))
    message = message_of(events(answer.text)) if stream else answer.json()
    [note] = message["notes"]
    assert "'web_search_20250305' runs on Anthropic's servers only" in note


@given(EVENTS, st.sampled_from(Thoughts), st.booleans())
@settings(max_examples=pick(fast=30, deep=200))
def test_accumulated_events_equal_the_whole_answer(
    said: list[Event], thoughts: Thoughts, counts_cached: bool
) -> None:
    renderer = MessagesRenderer("m", thoughts, SIGNER, counts_cached=counts_cached)
    usage = Usage(prompt=9, cached=4, completion=3, reasoning=1)
    answered = [Started(9), *said, Finished(FinishReason.STOP, usage)]
    rendered: Any = [object for event in answered for object in renderer.render(0, event)]
    message = message_of([*rendered, *renderer.end()])
    whole: Any = renderer.whole([fold(answered)])
    assert message["usage"] == whole["usage"]
    assert {**message, "content": _joined(message)} == {**whole, "content": _joined(whole)}


def _joined(message: dict[str, Any]) -> tuple[str, str, str, list[Any]]:
    """The text, the shown and the signed thoughts and the calls of a message."""
    blocks = message["content"]
    signatures = [block["signature"] for block in blocks if block["type"] == "thinking"]
    return (
        "".join(block.get("text", "") for block in blocks),
        "".join(block.get("thinking", "") for block in blocks),
        "".join(str(SIGNER.verified(signature)) for signature in signatures),
        [block for block in blocks if block["type"] == "tool_use"],
    )


@pytest.mark.parametrize(
    ("error", "type"),
    [
        (BadRequest("no"), "invalid_request_error"),
        (Busy("full", 3), "rate_limit_error"),
        (EngineDied("lost"), "overloaded_error"),
        (GatewayError("broken"), "api_error"),
    ],
)
def test_error_within_a_stream_has_its_type(error: GatewayError, type: str) -> None:
    [event] = MessagesRenderer("m", Thoughts.NONE, SIGNER).failed(error)
    [read] = events(FRAMING.frame(event).decode())
    assert (read["type"], read["error"]) == ("error", {"type": type, "message": error.message})


def test_keep_alive_is_a_ping_event() -> None:
    assert FRAMING.keep_alive == b'event: ping\ndata: {"type":"ping"}\n\n'


def _without_ids(message: dict[str, Any]) -> dict[str, Any]:
    content = [{**block, "id": "", "signature": ""} for block in message["content"]]
    return {**message, "id": "", "content": content}
