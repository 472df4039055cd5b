"""Places that clients take turns at, however many requests one of them has sent."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.admission.queue import Queue, SlotRequest


class Turns:
    """`places` at once; a client's requests are first in, first out.

    No request is refused, since there is one for each that a model's queue has admitted.
    """

    def __init__(self, places: int):
        self._queue = Queue("the pool", places, max_waiting=sys.maxsize)
        self._admitted: dict[SlotRequest, asyncio.Event] = {}

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """A place for the time of the context, once it is the turn of `client`."""
        request, admitted = SlotRequest(client), asyncio.Event()
        self._queue.enter(request)
        self._admitted[request] = admitted
        try:
            self._admit()
            await admitted.wait()
            yield
        finally:
            del self._admitted[request]
            self._queue.leave(request, _now_s())
            self._admit()

    def _admit(self) -> None:
        for request in self._queue.admit(_now_s()):
            self._admitted[request].set()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
