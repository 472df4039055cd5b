"""A queue for slots that is fair between API keys. Pure: the caller passes the time."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from gateway.errors import Busy

INITIAL_HOLD_S = 10.0  # assumed time until a slot is released, before any has been
RECENT = 16  # released slots that the mean time is taken over
MAX_RETRY_S = 60  # openai-python ignores a longer Retry-After


@dataclass(slots=True, eq=False)
class SlotRequest:
    """A request for `slots` slots at once; `admitted_s` is None while it is queued."""

    api_key: str = ""
    slots: int = 1
    admitted_s: float | None = None


class Queue:
    """Gives out `slots` slots; at most `max_waiting` requests wait for them.

    Requests of one API key are first in, first out; the keys take turns. `owner` is what has the
    slots, as error messages name it.
    """

    def __init__(self, owner: str, slots: int, max_waiting: int):
        self._owner = owner
        self._slots = self._free = slots
        self._max_waiting = max_waiting
        self._lines: dict[str, deque[SlotRequest]] = {}  # by API key, in the order of their turns
        self._hold_times_s = deque([INITIAL_HOLD_S], maxlen=RECENT)

    def resize(self, slots: int, max_waiting: int) -> None:
        """Give out `slots` slots from now on; those that are taken beyond them are kept."""
        self._free += slots - self._slots
        self._slots, self._max_waiting = slots, max_waiting

    @property
    def waiting(self) -> int:
        """The number of queued requests."""
        return sum(map(len, self._lines.values()))

    @property
    def retry_after_s(self) -> int:
        """The estimated time until the requests that are queued now have been admitted."""
        mean_s = sum(self._hold_times_s) / len(self._hold_times_s)
        return max(1, min(MAX_RETRY_S, math.ceil(mean_s * (self.waiting + 1) / self._slots)))

    def enter(self, request: SlotRequest) -> None:
        """Queue `request` until `admit` returns it; raises Busy if the queue is full."""
        has_slots = not self._lines and request.slots <= self._free
        if self.waiting >= self._max_waiting and not has_slots:
            raise Busy(
                f"{self._owner} is at capacity: {self._slots - self._free} slots in use,"
                f" {self.waiting} requests waiting",
                self.retry_after_s,
            )
        self._lines.setdefault(request.api_key, deque()).append(request)

    def admit(self, now_s: float) -> list[SlotRequest]:
        """Give the free slots to queued requests, and return those requests in order."""
        admitted = []
        while self._lines:
            api_key, line = next(iter(self._lines.items()))
            if line[0].slots > self._free:
                break
            request = line.popleft()
            request.admitted_s = now_s
            self._free -= request.slots
            del self._lines[api_key]
            if line:
                self._lines[api_key] = line  # its next turn comes after the other keys'
            admitted.append(request)
        return admitted

    def leave(self, request: SlotRequest, now_s: float) -> None:
        """Release the slots of `request`, or remove it from the queue if it is still there."""
        if request.admitted_s is not None:
            self._free += request.slots
            self._hold_times_s.append(now_s - request.admitted_s)
            return
        line = self._lines[request.api_key]
        line.remove(request)
        if not line:
            del self._lines[request.api_key]
