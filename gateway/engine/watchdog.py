"""A watchdog for a worker: reports one that has work and is silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

CHECKS = 4


class Watchdog:
    """Calls `on_hang` if nothing was received for `timeout_s` while there was work.

    It checks `CHECKS` times in that time, so that a gateway that was suspended itself misses one
    check and not all of them.
    """

    def __init__(self, timeout_s: float, on_hang: Callable[[], None]):
        self._interval_s = timeout_s / CHECKS
        self._on_hang = on_hang
        self._silent_checks = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Watches from now on, as there is work; has no effect while it is watching."""
        if self._timer is None:
            self._silent_checks = 0
            self._schedule()

    def reset(self) -> None:
        """Something was received."""
        self._silent_checks = 0

    def stop(self) -> None:
        """Stops watching, as there is no work."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._interval_s, self._check)

    def _check(self) -> None:
        self._silent_checks += 1
        if self._silent_checks > CHECKS:
            self._timer = None
            self._on_hang()
        else:
            self._schedule()
