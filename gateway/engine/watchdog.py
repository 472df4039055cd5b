"""Whether a worker that has something to do is still heard from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LOOKS = 4


class Vigil:
    """Calls `lost` when nothing was heard for `patience_s` while there was work.

    It looks `LOOKS` times in that time: a gateway that stood still itself misses one look, not all.
    """

    def __init__(self, patience_s: float, lost: Callable[[], None]):
        self._every_s = patience_s / LOOKS
        self._lost = lost
        self._silent = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """There is work."""
        if self._timer is None:
            self._silent = 0
            self._wait()

    def heard(self) -> None:
        self._silent = 0

    def end(self) -> None:
        """There is no more work."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every_s, self._look)

    def _look(self) -> None:
        self._silent += 1
        if self._silent > LOOKS:
            self._timer = None
            self._lost()
        else:
            self._wait()
