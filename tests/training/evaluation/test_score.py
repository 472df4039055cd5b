"""Scores of answers; their causes are tested in tests/evaluation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.evaluation.answer import Answer, Call
from gateway.evaluation.score import Cause
from tests.training.evaluation.cases import (
    CASES,
    calling,
    case,
    lamp,
    user,
)
from training.evaluation.case import Case
from training.evaluation.score import score

EXPECTED = case("call", user("Put the study at 40."), calling(lamp("study", 40)))


def made(*calls: tuple[str, dict[str, Any]]) -> Answer:
    return Answer.of(calling(*calls))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.kind))
def test_the_expected_answer_is_right(case: Case) -> None:
    found = score(case, case.expected)
    assert (found.is_right, found.is_near, found.has_tools) == (True, True, True)
    assert found.valid == found.calls == len(case.expected.calls)


def test_a_different_case_is_near_but_not_right() -> None:
    found = score(EXPECTED, made(lamp("Study ", 40)))
    assert (found.causes, found.is_near) == ((Cause.WRONG_VALUE,), True)


@pytest.mark.parametrize(
    ("name", "arguments", "valid"),
    [
        ("set_lamp", {"room": "hall", "percent": 7}, 1),
        ("set_lamp", {"room": "hall", "percent": 700}, 0),
        ("set_lamp", {"room": "hall"}, 0),
        ("fly", {}, 0),
    ],
)
def test_a_call_is_valid_under_the_schema_of_its_tool(
    name: str, arguments: dict[str, Any], valid: int
) -> None:
    found = score(EXPECTED, Answer(calls=(Call(name, json.dumps(arguments)),)))
    assert (found.calls, found.valid) == (1, valid)


def test_a_malformed_call_counts_as_invalid() -> None:
    found = score(EXPECTED, Answer("<tool_call>\nset_lamp"))
    assert (found.calls, found.valid) == (1, 0)
