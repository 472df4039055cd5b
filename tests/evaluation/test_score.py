"""The causes of wrong answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.evaluation.answer import Answer, Call
from gateway.evaluation.case import Case, Expected
from gateway.evaluation.equal import same, states
from gateway.evaluation.score import Cause, causes
from tests.evaluation.samples import TOOLS, case, lamp, made, parcel

ONE = case("one", lamp("study", 40))
BOTH = case("two", lamp("hall", 10), lamp("study", 90))
TALK = case("talk")
STATED = case("result", states=("1250", "Oban"))
LOOSE = case("one", Expected("track_parcel", schema={"properties": {"number": {"pattern": "Z"}}}))


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Answer("Of course."), Cause.NO_CALL),
        (Answer('<tool_call>\n{"name": "set_lamp", "argu'), Cause.UNREADABLE),
        (Answer('Use this: {"name" : "set_lamp", "arguments": {}}'), Cause.UNREADABLE),
        (Answer('{"name": "Ada"}'), Cause.NO_CALL),
        (Answer(calls=(Call("set_lamp", "{room"),)), Cause.UNREADABLE),
        (Answer(calls=(Call("set_lamp", "[40]"),)), Cause.UNREADABLE),
        (Answer(error="it timed out"), Cause.NO_ANSWER),
        (made(parcel("study")), Cause.WRONG_TOOL),
        (made(("set_lamp", {"room": "study"})), Cause.MISSING),
        (made(lamp("study", 40, color="warm")), Cause.NEEDLESS),
        (made(lamp("study", 4)), Cause.WRONG_VALUE),
        (made(lamp("study", 40), parcel("Z")), Cause.TOO_MANY),
    ],
)
def test_a_wrong_call_has_its_cause(answer: Answer, cause: Cause) -> None:
    assert causes(ONE, answer) == (cause,)


def test_an_argument_with_a_wrong_name_is_missing_and_unexpected() -> None:
    wrong = made(("set_lamp", {"place": "study", "percent": 40}))
    assert causes(ONE, wrong) == (Cause.MISSING, Cause.NEEDLESS)


def test_an_equal_float_is_right() -> None:
    assert not causes(ONE, Answer(calls=(Call("set_lamp", '{"percent":40.0,"room":"study"}'),)))


def test_case_and_white_space_are_compared_only_if_asked_for() -> None:
    answer = made(lamp("Study ", 40))
    assert not causes(ONE, answer)
    assert causes(ONE, answer, same, states) == (Cause.WRONG_VALUE,)


def test_two_calls_are_right_in_any_order() -> None:
    assert not causes(BOTH, made(lamp("study", 90), lamp("hall", 10)))


def test_one_of_two_calls_is_too_few_and_the_same_twice_is_repeated() -> None:
    assert causes(BOTH, made(lamp("hall", 10))) == (Cause.TOO_FEW,)
    twice = made(lamp("hall", 10), lamp("hall", 10))
    assert causes(BOTH, twice) == (Cause.REPEATED, Cause.WRONG_VALUE)


def test_a_call_that_is_made_again_is_one_too_many_and_repeated() -> None:
    twice = made(lamp("study", 40), lamp("study", 40))
    assert causes(ONE, twice) == (Cause.TOO_MANY, Cause.REPEATED)
    assert causes(TALK, twice) == (Cause.NOT_DUE, Cause.REPEATED)


def test_a_wrong_call_is_compared_with_the_most_similar() -> None:
    answer = made(parcel("Q-77"), lamp("hall", 11), lamp("study", 90))
    assert causes(BOTH, answer) == (Cause.TOO_MANY, Cause.WRONG_VALUE)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"number": "Z-81"}, ()),
        ({"number": "Q-77"}, (Cause.WRONG_VALUE,)),
        ({}, (Cause.WRONG_VALUE,)),
        ({"number": 81}, (Cause.WRONG_VALUE,)),
    ],
)
def test_arguments_can_be_given_as_a_schema_beside_that_of_the_tool(
    arguments: dict[str, Any], expected: tuple[Cause, ...]
) -> None:
    assert causes(LOOSE, made(("track_parcel", arguments))) == expected


def test_an_unexpected_call_is_wrong_whatever_its_text() -> None:
    answer = replace(made(parcel("Z")), text="1250 in Oban")
    assert causes(TALK, answer) == (Cause.NOT_DUE,)
    assert causes(STATED, answer) == (Cause.NOT_DUE,)


def test_where_text_is_due_there_must_be_some() -> None:
    assert not causes(TALK, Answer("Hello!"))
    assert causes(TALK, Answer(" \n")) == (Cause.NO_TEXT,)
    assert causes(TALK, Answer("<tool_call>\n{")) == (Cause.UNREADABLE,)


def test_an_answer_must_state_every_value_of_the_result() -> None:
    assert not causes(STATED, Answer("Oban has 1,250."))
    assert causes(STATED, Answer("There are 1250.")) == (Cause.NOT_STATED,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"answer": "17"}', ()),
        ('{"answer": 17}', (Cause.NOT_JSON,)),
        ("It is 17.", (Cause.NOT_JSON,)),
    ],
)
def test_a_response_format_requires_json_of_its_schema(
    text: str, expected: tuple[Cause, ...]
) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    asked = Case("1", "json", [], TOOLS, settings={"response_format": form})
    assert causes(asked, Answer(text)) == expected


def test_json_without_a_schema_is_any_json() -> None:
    asked = Case("1", "json", [], TOOLS, settings={"response_format": {"type": "json_object"}})
    assert not causes(asked, Answer(json.dumps({"x": 1})))
