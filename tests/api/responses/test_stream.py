"""Rules of streamed responses that clients rely on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api.responses.body import ResponseBody
from gateway.api.responses.request import to_request
from gateway.api.responses.response_object import ResponseObject
from gateway.api.responses.stored.conversation import input_items
from gateway.api.responses.stream import ResponseRenderer
from gateway.api.responses.tools import ToolName
from gateway.api.signing import Signer
from gateway.chat.events import (
    CallArguments,
    CallEnd,
    CallStart,
    Event,
    Finished,
    FinishReason,
    Logprob,
    Logprobs,
    Note,
    NoteKind,
    Reasoning,
    Started,
    Text,
    Usage,
)
from gateway.chat.json import Object
from gateway.chat.request import Sampling
from gateway.errors import ContextExceeded, EngineDied
from tests.api.responses.asking import FUNCTIONS, accumulated, asking, stream_events
from tests.depth import pick
from tests.fakes import ScriptedAnswer, call, gateway, scripted

PARIS = call("get_weather", {"city": "Paris"})
ROME = call("get_time", {"city": "Rome"})

TURNS = {
    "nothing": "",
    "text": "Hello, you there!",
    "two calls": f"{PARIS}\n{ROME}",
    "text, then two calls": f"Let me look.\n{PARIS}\n{ROME}",
    "a thought, text and a call": f"<think>\nHm.\n</think>\n\nSo.\n{PARIS}",
    "a mark inside of an argument": call("get_weather", {"city": "</tool_call> \"'{}<think>"}),
    "odd characters": call("get_weather", {"city": "日本 🙂 \\ \n"}),
}


def batched(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


PIECES = st.text("ab{}", min_size=1, max_size=3)
CALL = st.lists(PIECES, max_size=3).map(
    lambda pieces: [CallStart("f"), *map(CallArguments, pieces), CallEnd()]
)
CUSTOM_CALL = st.tuples(st.text('a\n"\\é', max_size=4), st.integers(1, 9)).map(
    lambda drawn: [
        CallStart("edit"),
        *map(CallArguments, batched(json.dumps({"input": drawn[0]}), drawn[1])),
        CallEnd(),
    ]
)
EVENTS = st.lists(
    st.one_of(
        PIECES.map(lambda t: [Text(t)]), PIECES.map(lambda t: [Reasoning(t)]), CALL, CUSTOM_CALL
    ),
    max_size=6,
).map(lambda lists: [event for events in lists for event in events])
TOOLS = {"edit": ToolName("edit", "files", is_custom=True)}
UNFINISHED_CALL = [CallStart("f"), CallArguments("{")]


def rendered(answered: list[Any], **options: Any) -> list[Any]:
    body = ResponseBody.model_validate(asking())
    request = to_request(body, input_items(body), Signer(), Sampling())
    renderer = ResponseRenderer(ResponseObject(body, request, []), TOOLS, **options)
    return [value for event in answered for value in renderer.render(event)]


def arguments_of(name: str, said: list[Event]) -> list[str]:
    """The arguments of all calls of a tool."""
    found, called = [""], ""
    for event in said:
        if isinstance(event, CallStart):
            called = event.name
            found += [""] if called == name else []
        elif isinstance(event, CallArguments) and called == name:
            found[-1] += event.json
    return found[1:]


def without_ids(output: list[Object]) -> list[Object]:
    return [{k: v for k, v in item.items() if k not in ("id", "call_id")} for item in output]


@given(EVENTS, st.booleans(), st.sampled_from(FinishReason), st.booleans())
@settings(max_examples=pick(fast=50, deep=500))
def test_accumulated_events_equal_the_last_response(
    said: list[Event], summarizes: bool, reason: FinishReason, is_cut: bool
) -> None:
    logprobs = Logprobs((Logprob("t", [116], -1.0),))
    is_cut = is_cut and reason is FinishReason.LENGTH
    answered = [
        Started(),
        logprobs,
        *said,
        *(UNFINISHED_CALL if is_cut else []),
        Finished(reason, Usage()),
    ]
    events = rendered(answered, summarizes=summarizes, signer=Signer())
    assert [event["sequence_number"] for event in events] == [*range(len(events))]
    last = events[-1]
    assert last["response"]["output"] == accumulated(events)
    status = "incomplete" if reason is FinishReason.LENGTH else "completed"
    assert (last["type"], last["response"]["status"]) == (f"response.{status}", status)
    begun = [e["output_index"] for e in events if e["type"] == "response.output_item.added"]
    assert begun == [*range(len(begun))]
    texts = "".join(event.text for event in said if isinstance(event, Text))
    inputs = [item["input"] for item in last["response"]["output"] if "input" in item]
    assert inputs == [json.loads(one)["input"] for one in arguments_of("edit", said)]
    shown = [item for item in last["response"]["output"] if item["type"] == "message"]
    assert "".join(item["content"][0]["text"] for item in shown) == texts


@pytest.mark.parametrize("cut", [1, 3, 1000])
@pytest.mark.parametrize("turn", TURNS)
async def test_stream_ends_with_the_whole_response(turn: str, cut: int) -> None:
    async with gateway(scripted(TURNS[turn], cut), format="qwen3") as client:
        streamed = await client.post("/responses", json=asking(tools=FUNCTIONS, stream=True))
        whole = (await client.post("/responses", json=asking(tools=FUNCTIONS))).json()
    events = stream_events(streamed.text)
    last = events[-1]["response"]
    assert accumulated(events) == last["output"]
    assert without_ids(last["output"]) == without_ids(whole["output"])
    assert (last["status"], last["usage"]) == (whole["status"], whole["usage"])


async def test_ids_of_items_are_unique_and_belong_to_their_events() -> None:
    async with gateway(scripted(TURNS["text, then two calls"])) as client:
        answer = await client.post("/responses", json=asking(tools=FUNCTIONS, stream=True))
    events = stream_events(answer.text)
    ids = {e["output_index"]: e["item"]["id"] for e in events if "output_item" in e["type"]}
    assert len(set(ids.values())) == 3
    assert all(ids[e["output_index"]] == e["item_id"] for e in events if "item_id" in e)
    calls = [item for item in events[-1]["response"]["output"] if item["type"] == "function_call"]
    assert len({item["call_id"] for item in calls}) == 2


async def test_error_during_a_stream_fails_the_response() -> None:
    said = ScriptedAnswer(["He", "y"], fails=EngineDied("the model's worker died"))
    async with gateway(said) as client:
        answer = await client.post("/responses", json=asking(stream=True))
    last = stream_events(answer.text)[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"] == {
        "code": "engine_died",
        "message": "the model's worker died",
    }


@pytest.mark.parametrize("stream", [False, True])
async def test_error_before_the_first_event_has_a_status(stream: bool) -> None:
    async with gateway(ScriptedAnswer(rejects=ContextExceeded(9000, 4096))) as client:
        answer = await client.post("/responses", json=asking(stream=stream))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"


def test_error_before_the_first_event_of_a_begun_stream_begins_the_response() -> None:
    body = ResponseBody.model_validate(asking())
    request = to_request(body, input_items(body), Signer(), Sampling())
    renderer = ResponseRenderer(ResponseObject(body, request, []))
    events = [*renderer.failed(EngineDied("lost"))]
    assert [event["type"] for event in events] == [
        "response.created",
        "response.in_progress",
        "response.failed",
    ]


def test_call_that_is_not_completed_fails_the_response() -> None:
    note = Note(NoteKind.MALFORMED, "it went wrong")
    finished = Finished(FinishReason.STOP, Usage(completion=3), (note,))
    events = rendered([Started(), *UNFINISHED_CALL, Text("Oh."), finished])
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["notes"] == ["it went wrong"]
    assert events[-1]["response"]["usage"]["output_tokens"] == 3
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["message"]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert [item["type"] for item in done] == ["message"]


def test_signed_reasoning_is_read_back() -> None:
    signer = Signer()
    finished = Finished(FinishReason.STOP, Usage())
    answered = [Started(), Reasoning("Hm."), Text("Hi."), finished]
    thought = rendered(answered, signer=signer)[-1]["response"]["output"][0]
    assert signer.verified(thought["encrypted_content"]) == "Hm."
