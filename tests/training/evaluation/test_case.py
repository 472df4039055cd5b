"""Loading the held-out set."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.evaluation.cases import CASES, write_cases
from training.evaluation.case import KINDS, chosen, load


def test_a_written_set_is_loaded_unchanged(tmp_path: Path) -> None:
    assert [case.expected for case in load(write_cases(tmp_path))] == [
        case.expected for case in CASES
    ]


def test_the_test_cases_cover_every_kind() -> None:
    assert {case.kind for case in CASES} == set(KINDS)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "is not a valid case"),
        ('{"kind": "call"}', "missing"),
        ('{"kind": "x", "tools": [], "messages": []}', "found the kind 'x'"),
        (
            '{"kind": "talk", "tools": [], "messages": [{"role": "user", "content": ""}]}',
            "the last message is not from the assistant",
        ),
    ],
)
def test_an_invalid_line_is_reported_with_its_number(
    tmp_path: Path, line: str, message: str
) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(ValueError, match=rf"set\.jsonl:1 .*{message}"):
        load(path)


def test_chosen_cases_are_evenly_spaced() -> None:
    calls = [case for case in CASES if case.kind == "call"]
    assert [case for case in chosen(CASES, 2) if case.kind == "call"] == [calls[0], calls[2]]
    assert len(chosen(CASES, 0)) == len(chosen(CASES, 100)) == len(CASES)
