"""Who waits for a slot, and whose turn is next. Pure: it only decides."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from gateway.errors import Busy

FIRST_S = 10.0  # how long a slot is held, until some have been
RECENT = 16  # of those that were held last
MOST_RETRY_S = 60  # who is told to wait longer does not ask again: openai-python's limit was 60 s


@dataclass(slots=True, eq=False)
class Ticket:
    """A request for `slots` at once; `since_s` is when it got them, None while it waits."""

    key: str = ""
    slots: int = 1
    since_s: float | None = None


class Queue:
    """`slots` are given to those who wait, `most_waiting` at the most; their keys take turns.

    `what` has the slots, as its clients are told.
    """

    def __init__(self, what: str, slots: int, most_waiting: int):
        self._what = what
        self._slots = self._free = slots
        self.most_waiting = most_waiting
        self._lines: dict[str, deque[Ticket]] = {}  # by key; the first has its turn next
        self._held_s = deque([FIRST_S], maxlen=RECENT)

    @property
    def waiting(self) -> int:
        return sum(map(len, self._lines.values()))

    @property
    def retry_after_s(self) -> int:
        """When those who wait now will have had their turn."""
        mean_s = sum(self._held_s) / len(self._held_s)
        return max(1, min(MOST_RETRY_S, math.ceil(mean_s * (self.waiting + 1) / self._slots)))

    def enter(self, ticket: Ticket) -> None:
        """Wait from here on, until `admit` has the ticket; raises Busy if too many wait."""
        has_a_slot = not self._lines and ticket.slots <= self._free
        if self.waiting >= self.most_waiting and not has_a_slot:
            raise Busy(
                f"{self._what} has {self._slots - self._free} answers under way and"
                f" {self.waiting} waiting, and takes no more now",
                self.retry_after_s,
            )
        self._lines.setdefault(ticket.key, deque()).append(ticket)

    def admit(self, now_s: float) -> list[Ticket]:
        """Those whose turn it is, in order; each has its slots from now on."""
        admitted = []
        while self._lines:
            key, line = next(iter(self._lines.items()))
            if line[0].slots > self._free:
                break
            ticket = line.popleft()
            ticket.since_s = now_s
            self._free -= ticket.slots
            del self._lines[key]
            if line:
                self._lines[key] = line  # behind the others
            admitted.append(ticket)
        return admitted

    def leave(self, ticket: Ticket, now_s: float) -> None:
        """A ticket is done with, whether it waits or has its slots."""
        if ticket.since_s is not None:
            self._free += ticket.slots
            self._held_s.append(now_s - ticket.since_s)
            return
        line = self._lines[ticket.key]
        line.remove(ticket)
        if not line:
            del self._lines[ticket.key]
