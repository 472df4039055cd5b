"""The latest captures, in memory."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from gateway.observe.capture.capture import Capture

MAX_CAPTURES = 100
MAX_BYTES = 64 * 2**20  # of all captures as JSON


class LatestCaptures:
    """Keeps up to `max_captures` captures of up to `max_bytes`; the oldest give way.

    A running request counts no bytes yet.
    """

    def __init__(self, max_captures: int = MAX_CAPTURES, max_bytes: int = MAX_BYTES):
        self._max_captures = max_captures
        self._max_bytes = max_bytes
        self._captures: OrderedDict[tuple[str, str], Capture] = OrderedDict()
        self._bytes: dict[Capture, int] = {}
        self._news = asyncio.Event()

    def add(self, capture: Capture) -> None:
        """Adds a request that begins; it replaces an earlier one of the same owner and id."""
        self._remove(self._captures.get((capture.owner, capture.id)))
        self._captures[capture.owner, capture.id] = capture
        self._make_room()
        self._news.set()
        self._news = asyncio.Event()

    def finish(self, capture: Capture, size: int) -> None:
        """Notes that a request is over, whose document has `size` bytes."""
        if self._captures.get((capture.owner, capture.id)) is capture:
            self._bytes[capture] = size
            self._make_room()

    def remove(self, capture: Capture) -> None:
        if self._captures.get((capture.owner, capture.id)) is capture:
            self._remove(capture)

    def of(self, owner: str) -> list[Capture]:
        """Returns the captures of an owner, the newest first."""
        return [one for one in reversed(self._captures.values()) if one.owner == owner]

    def find(self, owner: str, id: str) -> Capture | None:
        return self._captures.get((owner, id))

    async def wait_for(self, owner: str, id: str, timeout_s: float) -> Capture | None:
        """Returns the capture, which may begin within `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (capture := self.find(owner, id)):
                    await self._news.wait()
        except TimeoutError:
            return None
        return capture

    def _make_room(self) -> None:
        while len(self._captures) > self._max_captures or self._held() > self._max_bytes:
            self._remove(next(iter(self._captures.values())))

    def _held(self) -> int:
        return sum(self._bytes.values())

    def _remove(self, capture: Capture | None) -> None:
        if capture:
            del self._captures[capture.owner, capture.id]
            self._bytes.pop(capture, None)
