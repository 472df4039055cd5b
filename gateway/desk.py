"""Requests are prepared one after another, so that a crowd of them holds up nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

LARGE = 2**14  # bytes of a request; to read that and write its grammar takes up to 10 ms

T = TypeVar("T")


class Desk:
    """Does one piece of work in each turn of the event loop, and large ones in a thread."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def do(self, work: Callable[[], T], size: int) -> T:
        """What `work` gives, which is on a request of `size` bytes."""
        async with self._lock:
            if size > LARGE:
                return await asyncio.to_thread(work)
            await asyncio.sleep(0)  # whoever else is there waits from here on
            return work()
