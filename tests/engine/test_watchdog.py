"""Silence is noticed only where there is work."""

from __future__ import annotations

import asyncio

from gateway.engine.watchdog import LOOKS, Vigil

PATIENCE_S = 0.02


async def test_silence_during_work_is_noticed_once() -> None:
    lost = asyncio.Queue[str]()
    vigil = Vigil(PATIENCE_S, lambda: lost.put_nowait("lost"))
    vigil.begin()
    vigil.begin()
    await asyncio.wait_for(lost.get(), timeout=10)
    await asyncio.sleep(PATIENCE_S * 3)
    assert lost.empty()


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
