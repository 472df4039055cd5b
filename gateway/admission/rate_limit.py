"""The limits of an API key: requests per minute and concurrent requests.

Pure: the caller passes the time.
"""

from __future__ import annotations

import math
import sys
from collections import deque

from gateway.admission.api_keys import Key
from gateway.admission.queue import Queue, SlotRequest
from gateway.errors import Busy

WINDOW_S = 60


class RateLimit:
    """The limits of `key` over a sliding window of a minute; no limits without a key."""

    def __init__(self, key: Key | None = None):
        self.name = key.name if key else ""
        self._rate = key.rate if key else None
        concurrency = key.concurrency if key else None
        self._concurrent = Queue(f"API key {self.name!r}", concurrency or sys.maxsize, 0)
        self._times_s: deque[float] = deque()  # of the requests in the window

    def acquire(self, now_s: float) -> SlotRequest:
        """Count one more request; raises Busy if it exceeds a limit."""
        self._check_rate(now_s)
        request = SlotRequest()
        self._concurrent.enter(request)
        self._concurrent.admit(now_s)
        if self._rate:
            self._times_s.append(now_s)
        return request

    def release(self, request: SlotRequest, now_s: float) -> None:
        """The request is complete: it no longer counts as concurrent."""
        self._concurrent.leave(request, now_s)

    def _check_rate(self, now_s: float) -> None:
        while self._times_s and self._times_s[0] <= now_s - WINDOW_S:
            self._times_s.popleft()
        if self._rate and len(self._times_s) >= self._rate:
            reason = f"API key {self.name!r} exceeded its limit of {self._rate} requests a minute"
            raise Busy(reason, math.ceil(self._times_s[0] + WINDOW_S - now_s))
