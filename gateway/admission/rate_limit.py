"""How much a key allows, and what is used up of it. Pure: it is told the time."""

from __future__ import annotations

import math
import sys
from collections import deque

from gateway.admission.api_keys import Key
from gateway.admission.queue import Queue, Ticket
from gateway.errors import Busy

WINDOW_S = 60


class Allowance:
    """So many requests a minute, and so many at once. Without a key, any number."""

    def __init__(self, key: Key | None = None):
        self.name = key.name if key else ""
        self._rate = key.rate if key else None
        at_once = key.concurrency if key else None
        self._at_once = Queue(f"API key {self.name!r}", at_once or sys.maxsize, 0)
        self._times_s: deque[float] = deque()

    def enter(self, now_s: float) -> Ticket:
        """One more request; raises Busy if it is one too many."""
        self._check_rate(now_s)
        ticket = Ticket()
        self._at_once.enter(ticket)
        self._at_once.admit(now_s)
        if self._rate:
            self._times_s.append(now_s)
        return ticket

    def leave(self, ticket: Ticket, now_s: float) -> None:
        """The request is done with."""
        self._at_once.leave(ticket, now_s)

    def _check_rate(self, now_s: float) -> None:
        while self._times_s and self._times_s[0] <= now_s - WINDOW_S:
            self._times_s.popleft()
        if self._rate and len(self._times_s) >= self._rate:
            told = f"API key {self.name!r} has {self._rate} requests a minute, and all are used up"
            raise Busy(told, math.ceil(self._times_s[0] + WINDOW_S - now_s))
