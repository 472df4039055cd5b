"""A key allows so many requests a minute, and so many at once."""

from __future__ import annotations

import pytest

from gateway.admission.api_keys import Key
from gateway.admission.rate_limit import Allowance
from gateway.errors import Busy


def test_who_has_used_up_a_minute_is_told_when_it_is_over() -> None:
    allowance = Allowance(Key("alice", "", rate=2))
    for now_s in (10, 25):
        allowance.leave(allowance.enter(now_s), now_s)
    with pytest.raises(Busy, match="'alice' has 2 requests a minute") as refusal:
        allowance.enter(30.5)
    assert refusal.value.retry_after_s == 40
    allowance.enter(70)
    with pytest.raises(Busy):
        allowance.enter(70)


def test_so_many_are_under_way_at_once() -> None:
    allowance = Allowance(Key("alice", "", rate=3, concurrency=1))
    ticket = allowance.enter(0)
    for _ in range(5):  # who is turned away has used up nothing
        with pytest.raises(Busy, match="'alice' has 1 answers under way"):
            allowance.enter(0)
    allowance.leave(ticket, 1)
    allowance.enter(1)


def test_without_limits_there_is_no_end() -> None:
    for allowance in (Allowance(), Allowance(Key("alice", ""))):
        for _ in range(1000):
            allowance.enter(0)
