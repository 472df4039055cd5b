from __future__ import annotations

import asyncio

import pytest

from tests.clock import skips_waits


@skips_waits
async def test_a_skipped_wait_moves_the_clock_of_the_loop() -> None:
    loop = asyncio.get_running_loop()
    before_s = loop.time()
    await asyncio.sleep(100_000)
    assert loop.time() - before_s >= 100_000


@skips_waits
async def test_timers_keep_their_order() -> None:
    order = list[int]()

    async def wait(count: int) -> None:
        await asyncio.sleep(count)
        order.append(count)

    await asyncio.gather(*map(wait, (30, 10, 20)))
    assert order == [10, 20, 30]


@skips_waits
async def test_a_timeout_does_not_strike_while_a_thread_works() -> None:
    async with asyncio.timeout(60):
        await asyncio.to_thread(sum, range(100_000))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await asyncio.Event().wait()
