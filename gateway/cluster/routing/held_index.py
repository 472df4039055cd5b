"""Which replicas hold what, as far as a router knows. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence

MAX_HELD = 1024  # of a replica, twice as many as it reports

Replicas = Mapping[str, None]  # a set with an order, so that no choice depends on a hash seed


class HeldIndex:
    """The replicas that hold a block or a model, by their reports and by what was sent to them.

    What was sent is held until two reports lack it: the next one may be older than the request. A
    replica that reports nothing holds the last `MAX_HELD` things that were sent to it.
    """

    def __init__(self) -> None:
        self._holders: dict[Hashable, dict[str, None]] = {}
        # Of each replica, its things with the number of the last report that need not have them.
        self._held: dict[str, OrderedDict[Hashable, int]] = {}
        self._reports: dict[str, int] = {}

    def holders(self, thing: Hashable) -> Replicas:
        return self._holders.get(thing, {})

    def add(self, replica: str, things: Sequence[Hashable]) -> None:
        """Adds what was sent to `replica`; what comes last is forgotten first."""
        self._hold(replica, reversed(things), self._reports.get(replica, 0) + 1)

    def report(self, replica: str, things: Iterable[Hashable]) -> None:
        """Replaces what `replica` holds; the least recently used comes first."""
        now = self._reports[replica] = self._reports.get(replica, 0) + 1
        self._hold(replica, things, now)
        for thing in [thing for thing, last in self._held[replica].items() if last < now]:
            self._drop(replica, thing)

    def remove(self, replica: str) -> None:
        for thing in [*self._held.get(replica, ())]:
            self._drop(replica, thing)
        self._held.pop(replica, None)
        self._reports.pop(replica, None)

    def _hold(self, replica: str, things: Iterable[Hashable], last: int) -> None:
        held = self._held.setdefault(replica, OrderedDict())
        for thing in things:
            before = held.get(thing)
            if before is None:
                self._holders.setdefault(thing, {})[replica] = None
            held[thing] = last if before is None or before < last else before
            held.move_to_end(thing)
        while len(held) > MAX_HELD:
            self._drop(replica, next(iter(held)))

    def _drop(self, replica: str, thing: Hashable) -> None:
        del self._held[replica][thing]
        holders = self._holders[thing]
        del holders[replica]
        if not holders:
            del self._holders[thing]
