"""The counts of outcomes."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.evaluation.answer import Answer
from gateway.evaluation.answer_file import Record
from gateway.evaluation.case import Case
from gateway.evaluation.run import Outcome
from gateway.evaluation.score import causes
from gateway.evaluation.scorecard import TITLES, as_json, cells, rows, total
from gateway.evaluation.scorecard import causes as count_causes
from tests.evaluation.samples import case, lamp, made, parcel

RIGHT = made(lamp("study", 40))
ONE, TALK = case("one", lamp("study", 40)), case("talk")
FORCED = case("one", lamp("study", 40), tool_choice="required")


def outcome(case: Case, answer: Answer, streamed: Answer | None = None) -> Outcome:
    record = Record(case.id, "", (answer,), (streamed,) if streamed else ())
    return Outcome(case, record, causes(case, answer))


OUTCOMES = [
    outcome(ONE, replace(RIGHT, seconds=1.0), RIGHT),
    outcome(ONE, replace(made(lamp("hall", 40)), seconds=3.0)),
    outcome(FORCED, made(lamp("study", 40), lamp("study", 40))),
    outcome(TALK, made(parcel("Z"))),
    outcome(TALK, Answer("Hm", finish="length"), Answer("Hmm")),
]


def test_there_is_a_row_for_each_kind_and_choice() -> None:
    assert [cells(row) for row in rows(OUTCOMES)] == [
        ("one", "auto", "1 of 2", "50 %", "2 of 2", "", "", "", "", "2.0"),
        ("one", "required", "0 of 1", "0 %", "0 of 1", "1", "1", "", "", "0.0"),
        ("talk", "auto", "1 of 2", "50 %", "", "1", "", "1", "1", "0.0"),
    ]
    assert {len(cells(row)) for row in rows(OUTCOMES)} == {len(TITLES)}


def test_the_total_has_all_outcomes() -> None:
    found = total(OUTCOMES)
    assert (found.cases, found.right, found.due, found.right_tools) == (5, 2, 3, 2)


def test_causes_are_counted() -> None:
    assert count_causes(OUTCOMES) == {
        "wrong value": 1,
        "too many calls": 1,
        "repeated call": 1,
        "unexpected call": 1,
    }


def test_the_json_has_the_rows_and_each_wrong_answer() -> None:
    found = as_json("m", "sample", OUTCOMES)
    assert (found["model"], found["suite"], found["total"]["right"]) == ("m", "sample", 2)
    assert [row["right"] for row in found["rows"]] == [1, 0, 1]
    wrong = found["wrong"][0]
    assert (wrong["case"], wrong["causes"]) == ("one", ["wrong value"])
    assert wrong["answer"]["calls"][0]["name"] == "set_lamp"
