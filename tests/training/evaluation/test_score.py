"""Scores and causes of right and wrong answers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.training.evaluation.cases import (
    CASES,
    assistant,
    calling,
    case,
    ferry,
    lamp,
    parcel,
    user,
)
from training.evaluation.case import Answer, Call, Case
from training.evaluation.score import Cause, score

EXPECTED = case("call", user("Put the study at 40."), calling(lamp("study", 40)))
BOTH = case("two", user("Hall 10, study 90."), calling(lamp("hall", 10), lamp("study", 90)))
TALK = case("talk", user("Hello"), assistant("Hello!"))
STATED = case("result", user("How many?"), assistant("1,250 in Oban."), states=("1250", "Oban"))


def made(*calls: tuple[str, dict[str, Any]]) -> Answer:
    return Answer.of(calling(*calls))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.kind))
def test_the_expected_answer_is_right(case: Case) -> None:
    found = score(case, case.expected)
    assert (found.is_right, found.is_near, found.has_tools) == (True, True, True)
    assert found.valid == found.calls == len(case.expected.calls)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Answer("Of course."), Cause.NO_CALL),
        (Answer('<tool_call>\n{"name": "set_lamp", "argu'), Cause.UNREADABLE),
        (Answer(calls=(Call("set_lamp", "{room"),)), Cause.UNREADABLE),
        (Answer(calls=(Call("set_lamp", "[40]"),)), Cause.UNREADABLE),
        (Answer(error="it timed out"), Cause.NO_ANSWER),
        (made(ferry("study")), Cause.WRONG_TOOL),
        (made(("set_lamp", {"room": "study"})), Cause.MISSING),
        (made(lamp("study", 40, color="warm")), Cause.NEEDLESS),
        (made(lamp("study", 4)), Cause.WRONG_VALUE),
        (made(lamp("study", 40), ferry("Oban")), Cause.TOO_MANY),
    ],
)
def test_a_wrong_call_has_its_cause(answer: Answer, cause: Cause) -> None:
    assert score(EXPECTED, answer).causes == (cause,)


def test_an_argument_with_a_wrong_name_is_missing_and_unexpected() -> None:
    wrong = made(("set_lamp", {"place": "study", "percent": 40}))
    assert score(EXPECTED, wrong).causes == (Cause.MISSING, Cause.NEEDLESS)


def test_an_equal_float_is_right() -> None:
    assert score(
        EXPECTED, Answer(calls=(Call("set_lamp", '{"percent":40.0,"room":"study"}'),))
    ).is_right


def test_a_different_case_is_near_but_not_right() -> None:
    found = score(EXPECTED, made(lamp("Study ", 40)))
    assert (found.causes, found.is_near) == ((Cause.WRONG_VALUE,), True)


def test_two_calls_are_right_in_any_order() -> None:
    assert score(BOTH, made(lamp("study", 90), lamp("hall", 10))).is_right


def test_one_of_two_calls_is_too_few_and_the_same_twice_is_wrong() -> None:
    assert score(BOTH, made(lamp("hall", 10))).causes == (Cause.TOO_FEW,)
    assert score(BOTH, made(lamp("hall", 10), lamp("hall", 10))).causes == (Cause.WRONG_VALUE,)


def test_a_wrong_call_is_compared_with_the_most_similar() -> None:
    found = score(BOTH, made(parcel("Q-77"), lamp("hall", 11), lamp("study", 90)))
    assert found.causes == (Cause.TOO_MANY, Cause.WRONG_VALUE)


def test_an_unexpected_call_is_wrong_whatever_its_text() -> None:
    answer = replace(made(ferry("Oban")), text="1250 in Oban")
    assert score(TALK, answer).causes == (Cause.NOT_DUE,)
    assert score(STATED, answer).causes == (Cause.NOT_DUE,)


def test_an_answer_must_state_every_value_of_the_result() -> None:
    assert score(STATED, Answer("Oban has 1250.")).is_right
    assert score(STATED, Answer("There are 1250.")).causes == (Cause.NOT_STATED,)


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
