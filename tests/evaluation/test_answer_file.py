"""Answers that are kept in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigError, GatewayError
from gateway.evaluation.answer_file import AnswerFile
from gateway.evaluation.case import Case
from tests.evaluation.samples import case, lamp, parcel
from tests.evaluation.test_run import CALL, ONE, TALK, TEXT, outcomes
from tests.fakes import Script, ScriptedAnswer, gateway


async def test_a_later_run_asks_only_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    first, second = Script([CALL]), Script([TEXT])
    async with gateway(first) as http:
        [before] = await outcomes(http, ONE, kept=AnswerFile(path))
    async with gateway(second) as http:
        after, talk = await outcomes(http, ONE, TALK, kept=AnswerFile(path))
    assert after == before
    assert talk.is_right
    assert len(second.requests) == 2
    assert len(path.read_text().splitlines()) == 2


async def test_a_changed_request_and_a_failed_one_are_asked_again(tmp_path: Path) -> None:
    kept = AnswerFile(tmp_path / "answers.jsonl")
    rejected = ScriptedAnswer(rejects=GatewayError("out of memory"))
    script = Script([rejected, CALL])
    async with gateway(script) as http:
        await outcomes(http, ONE, kept=kept, streams=False)
        [asked] = await outcomes(http, ONE, kept=kept, streams=False)
        await outcomes(http, case("one", lamp("study", 40), max_tokens=99), kept=kept)
    assert asked.is_right
    assert len(script.requests) == 4


async def test_an_answer_without_its_stream_is_asked_again_where_streams_count() -> None:
    kept, script = AnswerFile(), Script([TEXT])
    async with gateway(script) as http:
        await outcomes(http, TALK, kept=kept, streams=False)
        [asked] = await outcomes(http, TALK, kept=kept)
    assert len(asked.record.streamed) == 1


def test_another_file_is_not_a_file_of_answers(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text("Hello\n")
    with pytest.raises(ConfigError, match="is not a file of answers"):
        AnswerFile(path)
    with pytest.raises(ConfigError, match=r"cannot write .*: there is no folder"):
        AnswerFile(tmp_path / "no" / "answers.jsonl")
    with pytest.raises(ConfigError, match=r"cannot read .*: Is a directory"):
        AnswerFile(tmp_path)


async def test_answers_of_another_server_are_asked_again(tmp_path: Path) -> None:
    path, script = tmp_path / "answers.jsonl", Script([TEXT])
    async with gateway(script) as http:
        await outcomes(http, TALK, kept=AnswerFile(path, "one"), streams=False)
        await outcomes(http, TALK, kept=AnswerFile(path, "other"), streams=False)
        await outcomes(http, TALK, kept=AnswerFile(path, "one"), streams=False)
    assert len(script.requests) == 2


async def test_the_digest_of_a_request_includes_its_tools() -> None:
    kept, script = AnswerFile(), Script([CALL])
    async with gateway(script) as http:
        await outcomes(http, ONE, kept=kept, streams=False)
        without = Case("one", ONE.kind, ONE.messages, ONE.tools[1:], ONE.calls)
        await outcomes(http, without, kept=kept, streams=False)
    assert len(script.requests) == 2
    assert parcel("Z")[0] in str(without.request("m"))
