"""A capture is read again as it was read: the same events, for every format family."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gateway.chat.messages import Call, Turn
from gateway.engine.engine import Features
from gateway.engine.generation import Delta, Generation, Opened, Output
from gateway.errors import BadRequest
from gateway.formats.encode import encode
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.generate.capture.read_again import Captured, decode, read_again
from gateway.generate.capture.settled import settled
from gateway.generate.required_call import call_opening
from tests.fakes import TOOL_NAMES, TOOLS, Script, ScriptedAnswer, call, chat, gateway, scripted

CALL = call("get_time", {"city": "Rome"})
ROME = Call("get_time", {"city": "Rome"}, "a1b2c3d4e")
BAD = call("get_time", {"town": 1})
OPENING = call_opening(FAMILIES["hermes"], TOOL_NAMES, "")
PARIS = Call("get_weather", {"city": '<Paris> & "co"'}, "f1b2c3d4e")


async def captured(
    answer: ScriptedAnswer | Script, *, request: Any = None, **entry: Any
) -> dict[str, Any]:
    """The capture of a request with tools; `entry` has keys of the model."""
    async with gateway(answer, {"playground": True}, **entry) as client:
        return await ask(client, chat(**{"tools": TOOLS, **(request or {})}))


async def ask(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    response = await client.post("/chat/completions", json=body)
    id = response.headers["x-request-id"]
    found: dict[str, Any] = (await client.get(f"http://gateway/captures/{id}")).json()
    return found


def again(document: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """The recorded events, and those that are read again."""
    capture = decode(json.dumps(document).encode())
    return settled(capture.events), read_again(capture)


def answers(format: Format) -> list[str]:
    """What models of a family write, and what they should not write."""
    call, calls = encode(format, Turn(calls=(ROME,))), encode(format, Turn(calls=(ROME, PARIS)))
    turns = [
        call,
        encode(format, Turn("Let me see.")),
        encode(format, Turn("Let me see.", "Rome, then?", (ROME,))),
        call[: len(call) * 2 // 3],
        f"{call}{call}{call}{call}",
        json.dumps({"name": "get_time", "arguments": {"city": "Rome"}}),
        f"Well. {format.trigger} and so on",
    ]
    return turns if format.single_call else [*turns, calls]


@pytest.mark.parametrize("format", FAMILIES.values(), ids=str)
async def test_an_answer_of_every_family_is_read_again_the_same(format: Format) -> None:
    texts = answers(format)
    said = [scripted(text, 3) for text in texts] + [scripted(texts[0][:-3], 3, "length")]
    is_called = False
    async with gateway(Script(said), {"playground": True}, format=format.name) as client:
        for i in range(len(said)):
            document = await ask(client, chat(tools=TOOLS, stream=i % 3 == 0))
            recorded, read = again(document)
            assert read == recorded
            assert recorded[-1]["type"] == "finished"
            is_called = is_called or recorded[0].get("name") == "get_time"
    assert is_called


@pytest.mark.parametrize(
    "request_",
    [
        {"stop": ["Rome"]},
        {"tool_choice": "required"},
        {"tool_choice": "none"},
        {"parallel_tool_calls": False},
        {"tools": [], "response_format": {"type": "json_object"}},
        {"tools": [{"type": "custom", "custom": {"name": "get_time"}}]},
        {"n": 2},
        {"messages": [{"role": "user", "content": "<tool_call>"}]},
    ],
    ids=str,
)
async def test_what_a_request_asks_for_is_read_again(request_: dict[str, Any]) -> None:
    document = await captured(scripted(f"Sure.\n{CALL}\n{CALL}"), request=request_)
    recorded, read = again(document)
    assert read == recorded


async def test_an_interrupted_thought_is_read_again() -> None:
    answer = ScriptedAnswer(["<think>\nWell", "\n</think>\n", "Hi"], interrupted=1)
    document = await captured(answer, request={"thinking_budget": 3}, format="qwen3")
    recorded, read = again(document)
    assert read == recorded
    assert [note["kind"] for note in recorded[-1]["notes"]] == ["thinking_budget"]


@pytest.mark.parametrize("is_call", [False, True])
async def test_a_threshold_is_applied_again(is_call: bool) -> None:
    opening = Opened(0.4, is_call)
    for at in (0, 1, 3):
        answer = ScriptedAnswer(
            ["Hi", CALL[:9], CALL[9:20], CALL[20:]], opening=opening, opened_at=at
        )
        request = {"tool_call_threshold": 0.5, "tool_call_probability": True}
        recorded, read = again(await captured(answer, request=request))
        assert read == recorded


async def test_a_call_that_was_answered_is_read_again_as_text() -> None:
    plain = json.dumps({"name": "get_time", "arguments": {"city": "Rome"}})
    asked = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_time", "arguments": '{"city": "Rome"}'},
    }
    messages = [
        {"role": "user", "content": "The time?"},
        {"role": "assistant", "content": None, "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
    ]
    document = await captured(scripted(f"As {plain} says, noon."), request={"messages": messages})
    assert [one["name"] for one in document["reading"]["answered_calls"]] == ["get_time"]
    recorded, read = again(document)
    assert read == recorded


class Ending(Script):
    """A script whose answers end by themselves, as those of a remote engine do."""

    async def generate(self, request: Generation) -> AsyncGenerator[Output, None]:
        async with aclosing(super().generate(request)) as outputs:
            async for output in outputs:
                yield output
                if isinstance(output, Delta) and output.finish:
                    return


@pytest.mark.parametrize(
    ("choice", "texts"),
    [
        ("auto", [f"Sure. {BAD}", CALL]),
        ("auto", [f"Sure. {BAD}", BAD]),
        ("required", [BAD, CALL.removeprefix(OPENING)]),
        ("required", [BAD, BAD]),
    ],
)
async def test_regenerated_answers_are_read_again(choice: str, texts: list[str]) -> None:
    features = Features(enforces_grammar=False, holds_text=False, weighs_openings=False)
    script = Ending([scripted(text) for text in texts], features=features)
    document = await captured(script, request={"tool_choice": choice})
    assert len(document["attempts"]) == (3 if texts[1] == BAD else 2)
    recorded, read = again(document)
    assert read == recorded
    assert any(event["type"] == "call" for event in recorded) == (texts[1] != BAD)


async def test_a_cut_off_answer_is_read_again() -> None:
    broken = ScriptedAnswer(["Hi ", CALL[:30]], None, fails=ConnectionError("gone"))
    document = await captured(broken, request={"stream": True})
    recorded, read = again(document)
    assert read == recorded
    assert recorded[-1]["type"] != "finished"


async def test_changed_code_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    document = await captured(scripted(CALL))
    other = msgspec.structs.replace
    capture = decode(json.dumps(document).encode())
    assert capture.reading
    changed = other(capture, reading=other(capture.reading, format="mistral"))
    assert read_again(changed) != settled(capture.events)


async def test_a_case_without_tokens_is_read_the_same() -> None:
    document = await captured(scripted(f"Hello. {CALL}"))
    recorded, _ = again(document)
    for attempt in document["attempts"]:
        del attempt["tokens"]
    assert again({**document, "events": recorded}) == (recorded, recorded)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no JSON", "not a capture: JSON is malformed"),
        (b"{}", "not a capture: Object missing required field `version`"),
        (b"\xff", "not a capture: "),
        (b'{"version": 1, "attempts": [], "events": [{"type": "text"}]}', "KeyError.'choice'"),
        (b'{"version": 2, "attempts": [], "events": []}', "a capture of version 2"),
    ],
)
def test_what_is_no_capture_is_an_error(data: bytes, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        decode(data)


def test_a_format_that_is_gone_is_an_error() -> None:
    attempt = {"choice": 0, "raw": "Hi"}
    reading = {"format": "gone"}
    gone = {"version": 1, "attempts": [attempt], "events": [], "reading": reading}
    with pytest.raises(BadRequest, match="no format 'gone'"):
        read_again(msgspec.convert(gone, Captured))


CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_regression_case_is_read_as_it_says(case: Path, size: int) -> None:
    document = json.loads(case.read_text())
    for attempt in document["attempts"] if size else ():
        raw = attempt["raw"]
        attempt["tokens"] = [{"text": raw[at : at + size]} for at in range(0, len(raw), size)]
    recorded, read = again(document)
    assert read == recorded
