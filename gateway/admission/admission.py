"""Lets requests in to the models: at once, in their turn, or at the end none any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.admission.queue import Queue, Ticket
from gateway.config.load import Config
from gateway.errors import Busy, GatewayError, ShuttingDown, TimedOut

SLOTS = 16  # sequences that the engine runs at once


@dataclass(frozen=True, slots=True)
class _Guest:
    timeout: asyncio.Timeout
    is_in: asyncio.Event = field(default_factory=asyncio.Event)


class Admission:
    """A queue before each model, and the deadlines of all who wait there or were let in."""

    def __init__(self, config: Config):
        self.is_closed = False
        self._queues: dict[str, Queue] = {}
        self._guests: dict[Ticket, _Guest] = {}
        self.change(config)

    def change(self, config: Config) -> None:
        """Let `config` take effect for who comes from now on."""
        self._timeout_s = config.timeout_s
        for name, entry in config.models.items():
            queue = self._queues.setdefault(name, Queue(f"model {name!r}", SLOTS, entry.queue))
            queue.most_waiting = entry.queue

    @property
    def waiting(self) -> dict[str, int]:
        """How many requests wait before each model."""
        return {name: queue.waiting for name, queue in self._queues.items()}

    @asynccontextmanager
    async def place(
        self, model: str, key: str = "", slots: int = 1, timeout_s: float | None = None
    ) -> AsyncIterator[None]:
        """A place at a model, for no longer than the deadline; one task must enter and leave it.

        Raises Busy, TimedOut and ShuttingDown, also from within.
        """
        if self.is_closed:
            raise ShuttingDown()
        queue, ticket = self._queues[model], Ticket(key, slots)
        limit_s = min((s for s in (timeout_s, self._timeout_s) if s is not None), default=None)
        queue.enter(ticket)
        timeout = asyncio.timeout(limit_s)
        self._guests[ticket] = guest = _Guest(timeout)
        try:
            async with timeout:
                self._let_in(queue)
                await guest.is_in.wait()
                yield
        except TimeoutError as error:
            if not timeout.expired():
                raise
            raise self._end_of(queue, ticket, limit_s) from error
        finally:
            del self._guests[ticket]
            queue.leave(ticket, _now_s())
            self._let_in(queue)

    def close(self) -> None:
        """Let in nobody any more, and tell those who wait; who is in may finish."""
        self.is_closed = True
        self._expire([guest for guest in self._guests.values() if not guest.is_in.is_set()])

    def end(self) -> None:
        """Tell those who are in that it is over."""
        self.is_closed = True
        self._expire(list(self._guests.values()))

    def _let_in(self, queue: Queue) -> None:
        if not self.is_closed:
            for ticket in queue.admit(_now_s()):
                self._guests[ticket].is_in.set()

    def _expire(self, guests: list[_Guest]) -> None:
        for guest in guests:
            if not guest.timeout.expired():
                guest.timeout.reschedule(_now_s())

    def _end_of(self, queue: Queue, ticket: Ticket, limit_s: float | None) -> GatewayError:
        if self.is_closed:
            return ShuttingDown()
        if ticket.since_s is None:
            told = f"the {limit_s:g} s that this request has went by in the queue"
            return Busy(told, queue.retry_after_s)
        return TimedOut(
            f"the answer was not done within {limit_s:g} s; ask for less with `max_tokens`, or"
            " raise `timeout_s` in the request or in models.yaml"
        )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
