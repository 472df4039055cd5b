"""The rate of a download is that of late, not of its whole life."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.hub.meter import Meter


def rate(*counts: tuple[float, int]) -> float:
    """The rate after counts of bytes at times in seconds."""
    times = iter([now_s for now_s, _ in counts])
    meter = Meter(1000, lambda: next(times))
    return [meter.progress(done).bytes_per_s for _, done in counts][-1]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([(0, 0)], 0.0),
        ([(0, 0), (2, 200)], 100.0),
        ([(0, 0), (2, 200), (8, 200), (9, 200)], 0.0),  # nothing came of late
        ([(0, 900), (1, 950)], 50.0),  # 900 were there before
        ([(0, 900), (1, 10)], 0.0),  # the file begins afresh
    ],
)
def test_the_rate_is_that_of_the_last_seconds(
    counts: Sequence[tuple[float, int]], expected: float
) -> None:
    assert rate(*counts) == expected
