"""Rules of chat completions and their streams that clients rely on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api.openai.chat_stream import ChatRenderer
from gateway.chat.events import (
    Event,
    Finished,
    FinishReason,
    Logprob,
    Logprobs,
    Started,
    Usage,
    fold,
)
from gateway.errors import BadRequest, ContextExceeded, EngineDied, GatewayError
from tests.api.answer_events import EVENTS
from tests.depth import pick
from tests.fakes import TOOLS, Script, ScriptedAnswer, call, chat, events, gateway, scripted

PARIS = call("get_weather", {"city": "Paris"})
ROME = call("get_time", {"city": "Rome"})

TURNS = {
    "nothing": "",
    "text": "Hello, you there!",
    "one call": PARIS,
    "two calls": f"{PARIS}\n{ROME}",
    "text, then two calls": f"Let me look.\n{PARIS}\n{ROME}",
    "a thought, text and a call": f"<think>\nHm.\n</think>\n\nSo.\n{PARIS}",
    "a mark inside of an argument": call("get_weather", {"city": "</tool_call> \"'{}<think>"}),
    "odd characters": call("get_weather", {"city": "日本 🙂 \\ \n"}),
}
CUTS = (1, 3, 1000)


async def streamed(
    says: ScriptedAnswer, body: dict[str, Any], **entry: Any
) -> list[dict[str, Any]]:
    async with gateway(says, format="qwen3", **entry) as client:
        answer = await client.post("/chat/completions", json=chat(stream=True, **body))
        assert answer.status_code == 200
        return events(answer.text)


def deltas(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"]]


def call_deltas(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [call for delta in deltas(chunks) for call in delta.get("tool_calls", ())]


def message_of(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Accumulates a stream as a client does: joins strings, merges calls by their index."""
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    calls: dict[int, dict[str, Any]] = {}
    for delta in deltas(chunks):
        message["content"] += delta.get("content") or ""
        if "reasoning_content" in delta:
            message.setdefault("reasoning_content", "")
            message["reasoning_content"] += delta["reasoning_content"]
    for piece in call_deltas(chunks):
        kept = calls.setdefault(piece["index"], {"id": "", "type": "", "name": "", "arguments": ""})
        kept["id"] += piece.get("id", "")
        kept["type"] += piece.get("type", "")
        kept["name"] += piece["function"].get("name", "")
        kept["arguments"] += piece["function"]["arguments"]
    if calls:
        message["content"] = message["content"] or None
        message["tool_calls"] = [
            {
                "type": kept["type"],
                "function": {"name": kept["name"], "arguments": kept["arguments"]},
            }
            for kept in calls.values()
        ]
    return message


def without_ids(message: dict[str, Any]) -> dict[str, Any]:
    for one in message.get("tool_calls", ()):
        one.pop("id", None)
    return message


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("turn", TURNS)
async def test_joined_stream_equals_the_completion(turn: str, cut: int) -> None:
    said = scripted(TURNS[turn], cut)
    chunks = await streamed(said, {"tools": TOOLS})
    async with gateway(said, format="qwen3") as client:
        whole = (await client.post("/chat/completions", json=chat(tools=TOOLS))).json()
    [choice] = whole["choices"]
    assert message_of(chunks) == without_ids(choice["message"])
    assert chunks[-1]["choices"][0]["finish_reason"] == choice["finish_reason"]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("calls", ["incremental", "whole"])
async def test_only_the_first_delta_of_a_call_has_its_name(turn: str, cut: int, calls: str) -> None:
    chunks = await streamed(
        scripted(TURNS[turn], cut), {"tools": TOOLS}, stream={"tool_calls": calls}
    )
    seen: list[int] = []
    for piece in call_deltas(chunks):
        assert type(piece["index"]) is int
        if piece["index"] in seen:
            assert piece == {
                "index": seen[-1],
                "function": {"arguments": piece["function"]["arguments"]},
            }
        else:
            assert piece["index"] == len(seen)
            assert piece["type"] == "function"
            assert piece["id"]
            assert piece["function"]["name"]
            seen.append(piece["index"])
    assert len(seen) == TURNS[turn].count("<tool_call>")


async def test_chunk_has_each_call_index_once() -> None:
    for calls in ("incremental", "whole"):
        for cut in CUTS:
            said = scripted(TURNS["two calls"], cut)
            chunks = await streamed(said, {"tools": TOOLS}, stream={"tool_calls": calls})
            for delta in deltas(chunks):
                indices = [call["index"] for call in delta.get("tool_calls", ())]
                assert len(set(indices)) == len(indices)


async def test_call_ids_are_unique() -> None:
    chunks = await streamed(scripted(TURNS["two calls"]), {"tools": TOOLS, "n": 3})
    ids = [piece["id"] for piece in call_deltas(chunks) if "id" in piece]
    assert len(set(ids)) == len(ids) == 6


async def test_only_the_last_chunk_of_a_choice_has_a_finish_reason() -> None:
    chunks = await streamed(scripted(TURNS["two calls"]), {"tools": TOOLS, "n": 2})
    for index in (0, 1):
        own = [c for chunk in chunks for c in chunk["choices"] if c["index"] == index]
        assert [c["finish_reason"] for c in own[:-1]] == [None] * (len(own) - 1)
        assert own[-1]["finish_reason"] == "tool_calls"
        assert own[-1]["delta"] == {}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kept", [20, 45, 60, len(PARIS) - 1])
async def test_truncated_call_finishes_with_length(stream: bool, kept: int) -> None:
    said = scripted(PARIS[:kept], finish="length")
    async with gateway(said) as client:
        answer = await client.post("/chat/completions", json=chat(tools=TOOLS, stream=stream))
    last = events(answer.text)[-1] if stream else answer.json()
    assert last["choices"][0]["finish_reason"] == "length"
    if not stream:
        assert "tool_calls" not in last["choices"][0]["message"]


async def test_complete_call_before_a_truncated_one_finishes_with_length() -> None:
    said = scripted(f"{PARIS}\n{ROME[:30]}", finish="length")
    async with gateway(said) as client:
        [choice] = (await client.post("/chat/completions", json=chat(tools=TOOLS))).json()[
            "choices"
        ]
    assert choice["finish_reason"] == "length"
    [kept] = choice["message"]["tool_calls"]
    assert kept["function"] == {"name": "get_weather", "arguments": '{"city": "Paris"}'}


@pytest.mark.parametrize("format", ["hermes", "qwen_coder"])
async def test_call_without_arguments_has_an_empty_object(format: str) -> None:
    tools = [{"type": "function", "function": {"name": "now"}}]
    written = {
        "hermes": call("now", {}),
        "qwen_coder": "<tool_call>\n<function=now>\n</function>\n</tool_call>",
    }
    async with gateway(scripted(written[format]), format=format) as client:
        answer = (await client.post("/chat/completions", json=chat(tools=tools))).json()
        message = answer["choices"][0]["message"]
        assert message["tool_calls"][0]["function"]["arguments"] == "{}"
        assert message["content"] is None
        stream = await client.post("/chat/completions", json=chat(tools=tools, stream=True))
        kept = message_of(events(stream.text))
        assert kept["tool_calls"][0]["function"]["arguments"] == "{}"


async def test_usage_is_a_last_separate_chunk_with_include_usage() -> None:
    said = scripted("Hello")
    for options in (None, {}, {"include_usage": False}, {"include_usage": None}):
        chunks = await streamed(said, {"stream_options": options})
        assert all("usage" not in chunk and chunk["choices"] for chunk in chunks)
    *before, last = await streamed(said, {"stream_options": {"include_usage": True}})
    assert all("usage" not in chunk for chunk in before)
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 7,
        "completion_tokens": 2,
        "total_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


FAULTS = {
    "ours": RuntimeError("a secret of the gateway's"),
    "the worker's": EngineDied("the model's worker died"),
    "the client's": BadRequest("no such thing", param="x", code="y"),
    "some other": GatewayError("it broke off"),
}


@pytest.mark.parametrize("whose", FAULTS)
async def test_error_during_a_stream_is_its_last_event(whose: str) -> None:
    *before, last = await streamed(ScriptedAnswer(["He", "y"], fails=FAULTS[whose]), {})
    assert [delta.get("content") for delta in deltas(before)] == [None, "He", "y"]
    assert set(last) == {"error"}
    assert set(last["error"]) == {"message", "type", "param", "code"}
    assert "secret" not in last["error"]["message"]


@pytest.mark.parametrize(
    ("refuses", "status"),
    [(ContextExceeded(9000, 4096), 400), (EngineDied("lost"), 503), (RuntimeError("oh"), 500)],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_error_before_the_first_chunk_has_a_status(
    refuses: Exception, status: int, stream: bool
) -> None:
    async with gateway(ScriptedAnswer(rejects=refuses)) as client:
        answer = await client.post("/chat/completions", json=chat(stream=stream))
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_too_long_prompt_error_has_both_token_counts() -> None:
    async with gateway(ScriptedAnswer(rejects=ContextExceeded(9000, 4096))) as client:
        error = (await client.post("/chat/completions", json=chat())).json()["error"]
    assert error["code"] == "context_length_exceeded"
    assert "9000" in error["message"]
    assert "4096" in error["message"]


async def test_stream_options_of_an_entry_set_content_and_whole_calls() -> None:
    stream = {"tool_calls": "whole", "content": "always"}
    chunks = await streamed(
        scripted(TURNS["text, then two calls"]), {"tools": TOOLS}, stream=stream
    )
    text = ""
    for delta in deltas(chunks):
        text += delta["content"]
    assert text == "Let me look."
    assert [json.loads(piece["function"]["arguments"]) for piece in call_deltas(chunks)] == [
        {"city": "Paris"},
        {"city": "Rome"},
    ]


async def test_every_chunk_has_the_same_id_and_model() -> None:
    chunks = await streamed(scripted("Hello"), {"stream_options": {"include_usage": True}})
    heads = {(c["id"], c["created"], c["model"], c["object"]) for c in chunks}
    [(id, created, model, object)] = heads
    assert id.startswith("chatcmpl-")
    assert created > 0
    assert (model, object) == ("m", "chat.completion.chunk")


@pytest.mark.parametrize(("content", "first"), [("when_present", None), ("always", "")])
async def test_the_first_chunk_has_no_empty_text_unless_every_chunk_has_a_content(
    content: str, first: str | None
) -> None:
    chunks = await streamed(scripted(PARIS), {"tools": TOOLS}, stream={"content": content})
    assert deltas(chunks)[0] == {"role": "assistant", "content": first}
    assert [delta.get("content", first) for delta in deltas(chunks)] == [first] * len(chunks)


async def test_stop_string_ends_the_text_and_the_generation() -> None:
    script = Script([ScriptedAnswer(["Hello ", "wo", "rld", " and more"], finish=None)])
    async with gateway(script) as client:
        answer = await client.post("/chat/completions", json=chat(stop=["or"], stream=True))
        chunks = events(answer.text)
    assert message_of(chunks)["content"] == "Hello w"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert script.running == 0


async def test_stop_string_does_not_end_a_call() -> None:
    async with gateway(scripted(PARIS)) as client:
        answer = await client.post("/chat/completions", json=chat(stop=["Par"], tools=TOOLS))
    [choice] = answer.json()["choices"]
    assert choice["finish_reason"] == "tool_calls"


async def test_call_marker_without_tools_is_text() -> None:
    bodies: list[dict[str, Any]] = [{}, {"tools": []}, {"tools": TOOLS, "tool_choice": "none"}]
    for body in bodies:
        async with gateway(scripted(PARIS)) as client:
            answer = await client.post("/chat/completions", json=chat(**body))
        assert answer.json()["choices"][0]["message"]["content"] == PARIS


async def test_call_marker_in_a_json_answer_is_text() -> None:
    body = {"tools": TOOLS, "response_format": {"type": "json_object"}}
    said = '{"note": "' + PARIS.replace('"', "'").replace("\n", " ") + '"}'
    async with gateway(scripted(said)) as client:
        answer = await client.post("/chat/completions", json=chat(**body))
        assert answer.json()["choices"][0]["message"]["content"] == said
    async with gateway(scripted(PARIS)) as client:
        answer = await client.post("/chat/completions", json=chat(**body))
        assert answer.json()["choices"][0]["finish_reason"] == "tool_calls"


async def test_each_answer_of_a_request_has_its_own_seed() -> None:
    script = Script([scripted("Hi")])
    async with gateway(script) as client:
        await client.post("/chat/completions", json=chat(n=3, seed=5))
        await client.post("/chat/completions", json=chat(n=2))
    assert sorted(str(asked.sampling.seed) for asked in script.requests) == [
        *("5", "6", "7"),
        *("None", "None"),
    ]


@given(EVENTS, st.booleans(), st.booleans())
@settings(max_examples=pick(fast=30, deep=200))
def test_joined_chunks_equal_the_whole_answer(said: list[Event], whole: bool, always: bool) -> None:
    renderer = ChatRenderer("m", whole_calls=whole, always_content=always)
    logprobs = Logprobs((Logprob("t", [116], -1.0),))
    answered = [Started(7, "fp_1"), logprobs, *said, Finished(FinishReason.STOP, Usage())]
    rendered: Any = [chunk for event in answered for chunk in renderer.render(0, event)]
    completion: Any = renderer.whole([fold(answered)])
    [choice] = completion["choices"]
    assert message_of(rendered) == without_ids(choice["message"])
    assert {part["system_fingerprint"] for part in [*rendered, completion]} == {"fp_1"}
    assert choice["finish_reason"] == "stop"
    assert len(choice["logprobs"]["content"]) == 1
