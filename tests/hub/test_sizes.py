"""Sizes and progress in words."""

from __future__ import annotations

import pytest

from gateway.hub.messages import Progress
from gateway.hub.progress_lines import ProgressLines
from gateway.hub.sizes import progress_text, size_text


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (98_400_000, "98 MB"),
        (5_444_831_232, "5.4 GB"),
        (1.2e15, "1200.0 TB"),
    ],
)
def test_a_size_has_its_unit(size: float, expected: str) -> None:
    assert size_text(size) == expected


@pytest.mark.parametrize(
    ("done", "rate", "expected"),
    [
        (0, 0, "0 % of 4.0 GB"),
        (1e9, 3e7, "25 % of 4.0 GB, 30 MB/s, 2 min left"),
        (1e9, 1e5, "25 % of 4.0 GB, 100 kB/s, 8 h left"),
        (3.9e9, 1e7, "98 % of 4.0 GB, 10 MB/s, 10 s left"),
        (4e9, 1e7, "100 % of 4.0 GB"),
    ],
)
def test_progress_is_a_phrase(done: float, rate: float, expected: str) -> None:
    assert progress_text(done, 4e9, rate) == expected


def test_a_download_has_a_line_for_each_tenth() -> None:
    lines = ProgressLines()
    shown = [lines.next(Progress(done, 1000)) for done in range(0, 1001, 20)]
    assert len([line for line in shown if line]) == 11
    assert shown[:6] == ["0 % of 1 kB", None, None, None, None, "10 % of 1 kB"]


def test_the_next_download_has_lines_of_its_own() -> None:
    lines = ProgressLines()
    shown = [lines.next(one) for one in (Progress(1000, 1000), Progress(0, 500), Progress(9, 500))]
    assert shown == ["100 % of 1 kB", "0 % of 500 B", None]
