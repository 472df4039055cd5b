"""Recorded answers of canitoolcall pass its own checks."""

from __future__ import annotations

import pytest
from canitoolcall.checks import case_status, run_checks
from canitoolcall.fixtures import Fixture
from canitoolcall.results import Observation, Status

from tests.parsing.records import RECORDS, decoded, families, parsed


def test_all_records_of_canitoolcall_are_tested() -> None:
    assert len(RECORDS) == 469


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)
def test_a_recorded_answer_is_read_as_the_model_meant_it(record: Fixture) -> None:
    whole = max(1, len(record.raw_output))
    # The names are those of the package: `rand` counts for its verdict, `char` would not.
    streams = {"one": whole, "token": 1, "rand:1:8": 3, "rand:2:8": 8}
    seen = Observation(
        nonstream=parsed(record, whole),
        streams={name: parsed(record, size) for name, size in streams.items()},
    )
    rows = run_checks(record, families()[record.family], seen)
    assert rows
    wrong = [row for row in rows if row.status not in (Status.PASS, Status.SOFT_PASS)]
    assert case_status(rows) in (Status.PASS, Status.SOFT_PASS), wrong


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)
def test_notes_do_not_depend_on_how_a_text_is_split(record: Fixture) -> None:
    whole = max(1, len(record.raw_output))
    assert decoded(record, 1)[1] == decoded(record, 7)[1] == decoded(record, whole)[1]
