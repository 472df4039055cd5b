"""Admits requests to a model's slots: at once, after a wait in its queue, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from gateway.admission.queue import Queue, SlotRequest
from gateway.config.load import Config, Entry
from gateway.errors import Busy, GatewayError, ShuttingDown, TimedOut

SLOTS = 16  # sequences that a local engine runs concurrently


def slots_of(entry: Entry) -> int:
    """The answers that the engine of a model generates at once."""
    return entry.remote.slots if entry.is_remote else SLOTS


@dataclass(frozen=True, slots=True)
class _Waiter:
    """The task of a request: its deadline, and the event that it waits for."""

    timeout: asyncio.Timeout
    admitted: asyncio.Event = field(default_factory=asyncio.Event)


class Admission:
    """One queue per model, and the deadline of every request that is queued or running."""

    def __init__(self, config: Config):
        self.is_closed = False
        self._queues: dict[str, Queue] = {}
        self._waiters: dict[SlotRequest, _Waiter] = {}
        self._arriving: set[asyncio.Timeout] = set()
        self.reload(config)

    def reload(self, config: Config) -> None:
        """Apply the slots and the queue lengths of `config`, and its timeout to later requests."""
        self._timeout_s = config.timeout_s
        for name, entry in config.models.items():
            slots = slots_of(entry)
            queue = self._queues.setdefault(name, Queue(f"model {name!r}", slots, entry.queue))
            queue.resize(slots, entry.queue)
            if queue.waiting:
                self._admit(queue)

    @property
    def waiting(self) -> dict[str, int]:
        """The number of queued requests by model."""
        return {name: queue.waiting for name, queue in self._queues.items()}

    @asynccontextmanager
    async def slot(
        self, model: str, api_key: str = "", slots: int = 1, timeout_s: float | None = None
    ) -> AsyncIterator[None]:
        """Hold `slots` slots of `model`, waiting in its queue if they are taken.

        The deadline is the lower of `timeout_s` and the configured timeout; it includes the wait.
        One task must enter and exit the context. Raises Busy if the queue is full, or the deadline
        passes in the queue; TimedOut if it passes later; ShuttingDown. The last two can also be
        raised inside the context.
        """
        if self.is_closed:
            raise ShuttingDown()
        queue, request = self._queues[model], SlotRequest(api_key, slots)
        limit_s = min((s for s in (timeout_s, self._timeout_s) if s is not None), default=None)
        queue.enter(request)
        timeout = asyncio.timeout(limit_s)
        self._waiters[request] = waiter = _Waiter(timeout)
        try:
            async with timeout:
                self._admit(queue)
                await waiter.admitted.wait()
                yield
        except TimeoutError as error:
            if not timeout.expired():
                raise
            raise self._timeout_error(queue, request, limit_s) from error
        finally:
            del self._waiters[request]
            queue.leave(request, _now_s())
            self._admit(queue)

    @contextmanager
    def arriving(self, timeout: asyncio.Timeout) -> Iterator[None]:
        """Makes `close` and `abort` end `timeout`, which limits the wait for a request's body."""
        self._arriving.add(timeout)
        try:
            yield
        finally:
            self._arriving.discard(timeout)

    def close(self) -> None:
        """Reject new, arriving and queued requests with ShuttingDown; running requests go on."""
        self.is_closed = True
        queued = (one.timeout for one in self._waiters.values() if not one.admitted.is_set())
        self._expire([*self._arriving, *queued])

    def abort(self) -> None:
        """Like `close`, and end running requests with ShuttingDown."""
        self.is_closed = True
        self._expire([*self._arriving, *(one.timeout for one in self._waiters.values())])

    def _admit(self, queue: Queue) -> None:
        if not self.is_closed:
            for request in queue.admit(_now_s()):
                self._waiters[request].admitted.set()

    def _expire(self, timeouts: list[asyncio.Timeout]) -> None:
        for timeout in timeouts:
            if not timeout.expired():
                timeout.reschedule(_now_s())

    def _timeout_error(
        self, queue: Queue, request: SlotRequest, limit_s: float | None
    ) -> GatewayError:
        if self.is_closed:
            return ShuttingDown()
        if request.admitted_s is None:
            return Busy(f"timed out after {limit_s:g} s in the queue", queue.retry_after_s)
        return TimedOut(
            f"the answer was not complete after {limit_s:g} s; lower `max_tokens`, or raise"
            " `timeout_s` in the request or in models.yaml"
        )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
