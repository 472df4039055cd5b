from __future__ import annotations

import math

import pytest

from gateway.cluster.routing.recent_work import WINDOW, RecentWork


def test_replicas_begin_with_the_average() -> None:
    work = RecentWork()
    work.update(["a", "b"])
    assert work.relative("a") == work.relative("b") == 1


def test_the_work_that_was_sent_is_compared() -> None:
    work = RecentWork()
    work.update(["a", "b"])
    work.add("a", 100_000)
    assert work.relative("a") > 1 > work.relative("b")
    assert math.isclose(work.relative("a") + work.relative("b"), 2)


def test_work_counts_less_the_longer_it_is_ago() -> None:
    work = RecentWork()
    work.update(["a", "b"])
    work.add("a", 1_000_000)
    before = work.relative("a")
    for _ in range(WINDOW):
        work.add("a", 0)
        work.add("b", 0)
    assert 1 < work.relative("a") < before


def test_a_new_replica_has_the_average() -> None:
    work = RecentWork()
    work.update(["a", "b"])
    work.add("a", 100_000)
    work.update(["a", "b", "c"])
    assert work.relative("c") == pytest.approx(1)
    work.update(["c"])
    assert work.relative("c") == 1


def test_weights_stay_finite() -> None:
    work = RecentWork()
    work.update(["a", "b"])
    for _ in range(60 * WINDOW * 10):
        work.add("a", 1000)
    assert work.relative("a") == pytest.approx(2)
