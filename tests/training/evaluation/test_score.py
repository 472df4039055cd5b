"""What is right, and what is wrong with the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.training.evaluation.cases import CASES, calling, case, ferry, lamp, parcel, said, spoken
from training.evaluation.case import Answer, Call, Case
from training.evaluation.score import Cause, score

DUE = case("call", said("Put the study at 40."), calling(lamp("study", 40)))
BOTH = case("two", said("Hall 10, study 90."), calling(lamp("hall", 10), lamp("study", 90)))
TALK = case("talk", said("Hello"), spoken("Hello!"))
STATED = case("result", said("How many?"), spoken("1,250 in Oban."), states=("1250", "Oban"))


def made(*calls: tuple[str, dict[str, Any]]) -> Answer:
    return Answer.of(calling(*calls))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.kind))
def test_what_is_expected_is_right(case: Case) -> None:
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
def test_a_call_that_is_due_can_go_wrong(answer: Answer, cause: Cause) -> None:
    assert score(DUE, answer).causes == (cause,)


def test_an_argument_of_another_name_is_missing_and_not_asked_for() -> None:
    wrong = made(("set_lamp", {"place": "study", "percent": 40}))
    assert score(DUE, wrong).causes == (Cause.MISSING, Cause.NEEDLESS)


def test_an_equal_float_is_as_good_as_an_integer() -> None:
    assert score(DUE, Answer(calls=(Call("set_lamp", '{"percent":40.0,"room":"study"}'),))).is_right


def test_only_a_lenient_reader_forgives_the_case_of_an_argument() -> None:
    found = score(DUE, made(lamp("Study ", 40)))
    assert (found.causes, found.is_near) == ((Cause.WRONG_VALUE,), True)


def test_two_calls_are_right_in_any_order() -> None:
    assert score(BOTH, made(lamp("study", 90), lamp("hall", 10))).is_right


def test_one_of_two_calls_is_too_few_and_the_same_twice_is_wrong() -> None:
    assert score(BOTH, made(lamp("hall", 10))).causes == (Cause.TOO_FEW,)
    assert score(BOTH, made(lamp("hall", 10), lamp("hall", 10))).causes == (Cause.WRONG_VALUE,)


def test_a_wrong_call_is_compared_with_the_nearest() -> None:
    found = score(BOTH, made(parcel("Q-77"), lamp("hall", 11), lamp("study", 90)))
    assert found.causes == (Cause.TOO_MANY, Cause.WRONG_VALUE)


def test_a_call_that_is_not_due_is_wrong_whatever_is_said_with_it() -> None:
    answer = replace(made(ferry("Oban")), text="1250 in Oban")
    assert score(TALK, answer).causes == (Cause.NOT_DUE,)
    assert score(STATED, answer).causes == (Cause.NOT_DUE,)


def test_an_answer_has_every_value_of_the_result() -> None:
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
def test_a_call_is_valid_if_a_tool_on_offer_admits_it(
    name: str, arguments: dict[str, Any], valid: int
) -> None:
    found = score(DUE, Answer(calls=(Call(name, json.dumps(arguments)),)))
    assert (found.calls, found.valid) == (1, valid)


def test_a_call_that_could_not_be_read_counts_as_one_that_is_not_valid() -> None:
    found = score(DUE, Answer("<tool_call>\nset_lamp"))
    assert (found.calls, found.valid) == (1, 0)
