"""Which replicas hold which block, as far as a router knows. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

MAX_BLOCKS = 1024  # of a replica, twice as many as it reports

Replicas = Mapping[str, None]  # a set with an order, so that a choice depends on no hash seed


class HeldIndex:
    """The replicas of each block: from their reports, and from what was sent to them since.

    A block that was sent is held until two reports lack it: the next may be older than the request.
    A replica that reports nothing holds the last `MAX_BLOCKS` that were sent to it.
    """

    def __init__(self) -> None:
        self._holders: dict[int, dict[str, None]] = {}
        self._held: dict[str, OrderedDict[int, int]] = {}  # replica -> block -> its last report
        self._reports: dict[str, int] = {}  # how many there were

    def holders(self, block: int) -> Replicas:
        return self._holders.get(block, {})

    def add(self, replica: str, blocks: Iterable[int]) -> None:
        """Adds blocks that were sent to `replica`."""
        self._hold(replica, blocks, self._reports.get(replica, 0) + 1)

    def report(self, replica: str, blocks: Iterable[int]) -> None:
        """Replaces what `replica` holds."""
        now = self._reports[replica] = self._reports.get(replica, 0) + 1
        self._hold(replica, blocks, now)
        held = self._held[replica]
        self._drop(replica, [block for block, last in held.items() if last < now])

    def remove(self, replica: str) -> None:
        self._drop(replica, [*self._held.get(replica, ())])
        self._held.pop(replica, None)
        self._reports.pop(replica, None)

    def _hold(self, replica: str, blocks: Iterable[int], last: int) -> None:
        held = self._held.setdefault(replica, OrderedDict())
        for block in blocks:
            held[block] = max(last, held.get(block, 0))
            held.move_to_end(block)
            self._holders.setdefault(block, {})[replica] = None
        self._drop(replica, [*held][: max(0, len(held) - MAX_BLOCKS)])

    def _drop(self, replica: str, blocks: Iterable[int]) -> None:
        for block in blocks:
            del self._held[replica][block]
            holders = self._holders[block]
            del holders[replica]
            if not holders:
                del self._holders[block]
