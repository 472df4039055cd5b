"""Measures the rate of a download."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from gateway.hub.messages import Progress

WINDOW_S = 5.0


class Meter:
    """Turns counts of bytes into progress, with the rate over the last `WINDOW_S` seconds."""

    def __init__(self, total_bytes: int, clock: Callable[[], float] = time.monotonic):
        self._total_bytes = total_bytes
        self._clock = clock
        self._counts: deque[tuple[float, int]] = deque()

    def progress(self, done_bytes: int) -> Progress:
        """The progress now, when `done_bytes` are there."""
        now_s = self._clock()
        while len(self._counts) > 1 and now_s - self._counts[0][0] > WINDOW_S:
            self._counts.popleft()
        self._counts.append((now_s, done_bytes))
        start_s, start_bytes = self._counts[0]
        elapsed_s = now_s - start_s
        rate = max(0.0, (done_bytes - start_bytes) / elapsed_s) if elapsed_s else 0.0
        return Progress(done_bytes, self._total_bytes, rate)
