"""Leases count the users of a model."""

from __future__ import annotations

import asyncio

from gateway.models.lease import Leases


def test_leases_are_idle_when_the_last_one_has_ended() -> None:
    leases = Leases()
    assert leases.is_idle
    with leases.hold():
        with leases.hold():
            assert not leases.is_idle
        assert not leases.is_idle
    assert leases.is_idle


async def test_waiting_for_idle_leases_takes_until_the_last_one_ends() -> None:
    leases = Leases()
    with leases.hold():
        waiting = asyncio.create_task(leases.wait_idle())
        with leases.hold():
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, timeout=10)


def test_the_last_use_is_the_end_of_the_last_lease() -> None:
    now_s = [1.0]
    leases = Leases(lambda: now_s[0])
    with leases.hold():
        now_s[0] = 5.0
        assert leases.last_used_s > 1000
    assert leases.last_used_s == 5.0
