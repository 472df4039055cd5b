"""The held-out set, as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.evaluation.cases import CASES, written
from training.evaluation.case import KINDS, chosen, load


def test_a_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert [case.expected for case in load(written(tmp_path))] == [case.expected for case in CASES]


def test_the_cases_of_the_tests_are_of_every_kind() -> None:
    assert {case.kind for case in CASES} == set(KINDS)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "is no case"),
        ('{"kind": "call"}', "missing"),
        ('{"kind": "x", "tools": [], "messages": []}', "found the kind 'x'"),
        (
            '{"kind": "talk", "tools": [], "messages": [{"role": "user", "content": ""}]}',
            "the last message is not the assistant's",
        ),
    ],
)
def test_a_line_that_is_no_case_is_named(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(ValueError, match=rf"set\.jsonl:1 .*{told}"):
        load(path)


def test_some_of_each_kind_are_taken_from_all_over_the_set() -> None:
    calls = [case for case in CASES if case.kind == "call"]
    assert [case for case in chosen(CASES, 2) if case.kind == "call"] == [calls[0], calls[2]]
    assert len(chosen(CASES, 0)) == len(chosen(CASES, 100)) == len(CASES)
