"""Silence is noticed only where there is work."""

from __future__ import annotations

import asyncio

from gateway.engine.watchdog import LOOKS, Vigil
from tests.clock import skips_waits

PATIENCE_S = 60


@skips_waits
async def test_silence_during_work_is_noticed_once() -> None:
    lost = asyncio.Queue[str]()
    vigil = Vigil(PATIENCE_S, lambda: lost.put_nowait("lost"))
    vigil.begin()
    vigil.begin()
    await lost.get()
    await asyncio.sleep(PATIENCE_S * 3)
    assert lost.empty()


@skips_waits
async def test_whoever_is_heard_or_has_nothing_to_do_is_not_lost() -> None:
    lost = asyncio.Queue[str]()
    vigil = Vigil(PATIENCE_S, lambda: lost.put_nowait("lost"))
    vigil.begin()
    for _ in range(4 * LOOKS):
        await asyncio.sleep(PATIENCE_S / LOOKS)
        vigil.heard()
    vigil.end()
    await asyncio.sleep(PATIENCE_S * 3)
    assert lost.empty()
