"""The watchdog reports silence only while there is work."""

from __future__ import annotations

import asyncio

from gateway.engine.watchdog import CHECKS, Watchdog
from tests.clock import skips_waits

TIMEOUT_S = 60


@skips_waits
async def test_a_watchdog_reports_silence_during_work_once() -> None:
    hangs = asyncio.Queue[str]()
    watchdog = Watchdog(TIMEOUT_S, lambda: hangs.put_nowait("hang"))
    watchdog.start()
    watchdog.start()
    await hangs.get()
    await asyncio.sleep(TIMEOUT_S * 3)
    assert hangs.empty()


@skips_waits
async def test_a_watchdog_reports_neither_messages_nor_idleness() -> None:
    hangs = asyncio.Queue[str]()
    watchdog = Watchdog(TIMEOUT_S, lambda: hangs.put_nowait("hang"))
    watchdog.start()
    for _ in range(4 * CHECKS):
        await asyncio.sleep(TIMEOUT_S / CHECKS)
        watchdog.reset()
    watchdog.stop()
    await asyncio.sleep(TIMEOUT_S * 3)
    assert hangs.empty()


@skips_waits
async def test_a_watchdog_that_starts_again_counts_from_zero() -> None:
    hangs = asyncio.Queue[str]()
    watchdog = Watchdog(TIMEOUT_S, lambda: hangs.put_nowait("hang"))
    for _ in range(3):
        watchdog.start()
        await asyncio.sleep(TIMEOUT_S)
        watchdog.stop()
    assert hangs.empty()
