"""Asking cases of a real gateway, in the same process, whose model follows a script."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.errors import GatewayError
from gateway.evaluation.answer_file import AnswerFile
from gateway.evaluation.case import Case
from gateway.evaluation.client import ChatClient
from gateway.evaluation.run import Outcome, Suite, run
from gateway.evaluation.score import Cause, causes
from tests.evaluation.samples import case, lamp
from tests.fakes import Script, ScriptedAnswer, call, gateway, scripted

CALL = scripted(call(*lamp("study", 40)))
TEXT = scripted("It is on.")
ONE, TALK = case("one", lamp("study", 40)), case("talk")


async def outcomes(
    http: httpx.AsyncClient, *cases: Case, kept: AnswerFile | None = None, **suite: Any
) -> list[Outcome]:
    asked = Suite("sample", cases, causes, **suite)
    return [found async for found in run(ChatClient(http, "m"), asked, kept or AnswerFile())]


async def test_each_case_is_asked_whole_and_streamed() -> None:
    script = Script([CALL, CALL, TEXT])
    async with gateway(script) as http:
        one, talk = await outcomes(http, ONE, TALK)
    assert one.is_right
    assert talk.is_right
    assert [found.name for found in one.answer.calls] == ["set_lamp"]
    assert (talk.answer.text, talk.answer.finish) == ("It is on.", "stop")
    assert one.record.is_streamed_alike
    assert len(script.requests) == 4


async def test_a_suite_without_streams_asks_once() -> None:
    script = Script([TEXT])
    async with gateway(script) as http:
        [talk] = await outcomes(http, TALK, streams=False)
    assert talk.record.streamed == ()
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("others", "is_alike", "asked"),
    [("0", True, 2), ("11", True, 4), ("100", True, 4), ("101010101", False, 10)],
)
async def test_a_stream_that_differs_is_compared_again(
    others: str, is_alike: bool, asked: int
) -> None:
    answers = {"0": TEXT, "1": scripted("It is off.")}
    script = Script([TEXT, *(answers[other] for other in others)])
    async with gateway(script) as http:
        [found] = await outcomes(http, TALK)
    assert found.record.is_streamed_alike is is_alike
    assert found.answer.text == "It is on."
    assert len(script.requests) == asked


async def test_a_wrong_answer_has_its_cause_and_an_answer_that_is_cut_off_its_reason() -> None:
    cut = scripted("It is", finish="length")
    async with gateway(Script([TEXT, TEXT, cut])) as http:
        one, talk = await outcomes(http, ONE, TALK)
    assert one.causes == (Cause.NO_CALL,)
    assert talk.answer.finish == "length"


async def test_a_request_that_fails_is_an_answer_with_an_error() -> None:
    rejected = ScriptedAnswer(rejects=GatewayError("out of memory"))
    async with gateway(Script([rejected, TEXT])) as http:
        failed, talk = await outcomes(http, ONE, TALK)
    assert failed.causes == (Cause.NO_ANSWER,)
    assert failed.answer.error.startswith("status 500: ")
    assert talk.is_right


async def test_an_unknown_model_and_a_missing_server_end_the_run() -> None:
    async with gateway(Script([TEXT])) as http:
        with pytest.raises(GatewayError, match=r"status 404: .*'n'"):
            await ChatClient(http, "n").ask(TALK)
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9/v1") as http:
        with pytest.raises(GatewayError, match=r"no answer from http://127\.0\.0\.1:9/v1/: "):
            await ChatClient(http, "m").ask(TALK)


@pytest.fixture
async def other_server() -> AsyncIterator[httpx.AsyncClient]:
    """A server that answers something else than the chat API."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text='{"choices": []}'))
    async with httpx.AsyncClient(transport=transport, base_url="http://other/v1") as http:
        yield http


async def test_a_response_that_is_no_completion_is_an_error(
    other_server: httpx.AsyncClient,
) -> None:
    answer = await ChatClient(other_server, "m").ask(TALK)
    assert answer.error.startswith("not a chat completion: ")
