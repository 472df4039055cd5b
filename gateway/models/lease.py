"""Leases of a model: as long as one is held, the model's engine is not stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf


class Leases:
    """Counts the leases of one model, those of requests that wait until it is loaded included."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._count = 0
        self._ended = asyncio.Event()
        self._last_used_s = clock()

    @property
    def is_idle(self) -> bool:
        """Whether no lease is held."""
        return not self._count

    @property
    def last_used_s(self) -> float:
        """When the last lease ended; infinity while one is held."""
        return self._last_used_s if self.is_idle else inf

    def touch(self) -> None:
        """Makes the model count as just used."""
        self._last_used_s = self._clock()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Holds a lease within the context."""
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            self.touch()
            self._ended.set()

    async def wait_idle(self) -> None:
        """Returns when no lease is held."""
        while not self.is_idle:
            self._ended.clear()
            await self._ended.wait()
