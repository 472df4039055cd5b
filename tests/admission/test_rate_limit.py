"""An API key limits requests per minute and concurrent requests."""

from __future__ import annotations

import pytest

from gateway.admission.api_keys import Key
from gateway.admission.rate_limit import RateLimit
from gateway.errors import Busy


def test_the_rate_limit_resets_after_a_minute() -> None:
    limit = RateLimit(Key("alice", "", rate=2))
    for now_s in (10, 25):
        limit.release(limit.acquire(now_s), now_s)
    with pytest.raises(Busy, match="'alice' exceeded its limit of 2 requests a minute") as refusal:
        limit.acquire(30.5)
    assert refusal.value.retry_after_s == 40
    limit.acquire(70)
    with pytest.raises(Busy):
        limit.acquire(70)


def test_the_concurrency_limit_counts_running_requests() -> None:
    limit = RateLimit(Key("alice", "", rate=3, concurrency=1))
    request = limit.acquire(0)
    for _ in range(5):  # a rejected request does not count
        with pytest.raises(Busy, match="'alice' is at capacity: 1 slots in use"):
            limit.acquire(0)
    limit.release(request, 1)
    limit.acquire(1)


def test_without_limits_every_request_is_admitted() -> None:
    for limit in (RateLimit(), RateLimit(Key("alice", ""))):
        for _ in range(1000):
            limit.acquire(0)
