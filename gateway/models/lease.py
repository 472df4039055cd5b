"""Who uses a model: as long as anybody does, its worker stays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

HANDED_S = 5.0


class Use:
    """Counts those who wait for a model, those it is handed to, and those who are inside.

    Whoever is handed the model has `HANDED_S` to come in; that one counts until then.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._count = 0
        self._handed: list[asyncio.TimerHandle] = []
        self._left = asyncio.Event()
        self._left_s = clock()

    @property
    def is_idle(self) -> bool:
        return not self._count

    @property
    def last_s(self) -> float:
        """When it was last used; later than any time, if it is."""
        return self._left_s if self.is_idle else inf

    def touch(self) -> None:
        """It counts as just used."""
        self._left_s = self._clock()

    def hand(self) -> None:
        """Count one more, who is about to come in."""
        self._enter()
        self._handed.append(asyncio.get_running_loop().call_later(HANDED_S, self._give_up))

    async def idle(self) -> None:
        """Wait until nobody uses it."""
        while not self.is_idle:
            self._left.clear()
            await self._left.wait()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count one who waits for it to be loaded."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def __enter__(self) -> None:
        self._enter()
        if self._handed:
            self._handed[0].cancel()
            self._give_up()

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _enter(self) -> None:
        self._count += 1

    def _leave(self) -> None:
        self._count -= 1
        self._left_s = self._clock()
        if self.is_idle:
            self._left.set()

    def _give_up(self) -> None:
        del self._handed[0]
        self._leave()
