"""Each replica of a machine has CPUs of its own."""

from __future__ import annotations

import pytest

from gateway.cluster.pinned_cpus import share
from gateway.errors import ConfigError


def test_shares_do_not_overlap() -> None:
    assert [share([0, 1, 4, 5], 2, rank) for rank in range(2)] == [[0, 1], [4, 5]]


def test_less_than_one_cpu_is_one() -> None:
    assert share([0, 1], 0, 1) == [1]


def test_too_many_replicas_are_told_how_many_cpus_there_are() -> None:
    with pytest.raises(ConfigError, match=r"replica 1 .* needs 2 CPUs, but 1 of its 3 are left"):
        share([0, 1, 2], 2, 1)
