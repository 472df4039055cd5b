"""A conversation that exceeds the context loses its oldest messages, if the client wants that."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.responses.truncation import without_oldest
from gateway.chat.messages import Call, Message, Result, Speech, Turn
from gateway.errors import ContextExceeded
from tests.api.responses.asking import asking, stream_events
from tests.fakes import Script, ScriptedAnswer, gateway, scripted

SYSTEM = Speech("system", "Be brief.")
CALLED = Turn(calls=(Call("f", {}, "a"),))
TOO_LONG = ScriptedAnswer(rejects=ContextExceeded(9000, 4096))


def said(*texts: str) -> list[Message]:
    return [Speech("user", text) for text in texts]


@pytest.mark.parametrize(
    ("messages", "left"),
    [
        (said("a"), said("a")),
        ([SYSTEM, *said("a")], [SYSTEM, *said("a")]),
        ([SYSTEM, *said("a", "b")], [SYSTEM, *said("b")]),
        (said(*"abcdefgh"), said(*"cdefgh")),
        ([*said("a"), CALLED, Result("r", "a"), Turn("t")], [CALLED, Result("r", "a"), Turn("t")]),
        ([CALLED, Result("r", "a"), Result("s", "b"), Turn("t")], [Turn("t")]),
        ([CALLED, Result("r", "a")], [CALLED, Result("r", "a")]),
        ([SYSTEM], [SYSTEM]),
    ],
)
def test_oldest_part_is_dropped(messages: list[Message], left: list[Message]) -> None:
    assert [*without_oldest(messages)] == left


def body(**more: Any) -> dict[str, Any]:
    items = [{"role": "user", "content": text} for text in ("first", "second", "third")]
    return asking(input=items, instructions="Be brief.", **more)


@pytest.mark.parametrize("stream", [False, True])
async def test_request_is_shortened_until_it_fits(stream: bool) -> None:
    script = Script([TOO_LONG, TOO_LONG, scripted("Hi.")])
    async with gateway(script) as client:
        answer = await client.post("/responses", json=body(truncation="auto", stream=stream))
    response = stream_events(answer.text)[-1]["response"] if stream else answer.json()
    prompt = "".join(map(str, script.requests[-1].prompt))
    assert "first" not in prompt
    assert "second" not in prompt
    assert "Be brief." in prompt
    assert "third" in prompt
    assert response["notes"] == ["left out: the 2 oldest messages, to fit the context"]
    assert response["truncation"] == "auto"


async def test_request_of_one_message_that_does_not_fit_fails() -> None:
    script = Script([TOO_LONG])
    async with gateway(script) as client:
        answer = await client.post("/responses", json=body(truncation="auto"))
    assert answer.json()["error"]["code"] == "context_length_exceeded"
    assert len(script.requests) == 3


async def test_without_truncation_the_first_refusal_counts() -> None:
    script = Script([TOO_LONG])
    async with gateway(script) as client:
        answer = await client.post("/responses", json=body())
    assert answer.json()["error"]["code"] == "context_length_exceeded"
    assert len(script.requests) == 1
