"""Decides which replica a request should go to. Pure: no Ray, no clock, randomness from outside."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from gateway.cluster.routing.held import Report
from gateway.cluster.routing.held_index import HeldIndex
from gateway.cluster.routing.key import RoutingKey

REQUEST_BYTES = 4096  # of prompt that are as much work as one more ongoing request
SESSION_BYTES = 32768  # what the replica of a conversation is taken to hold of it at least
MAX_SESSIONS = 100_000
SAMPLE = 2  # power of two choices
MAX_DEPTHS = 4  # prefixes of different lengths whose holders are considered


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica as its last report describes it; `max_ongoing` requests fill it."""

    max_ongoing: int
    report: Report = Report()


class Policy:
    """Ranks replicas for a request by what it would cost there, in bytes of prompt to compute.

    A replica that holds more of the prompt computes less, and each request that it has ongoing
    costs `REQUEST_BYTES`. So the longest held prefix wins unless that replica is much busier, and
    without one the less busy of two random replicas.
    """

    def __init__(self, random: Random):
        self._random = random
        self._replicas: dict[str, Replica] = {}
        self._ids: list[str] = []
        self._held = HeldIndex()
        self._sessions: OrderedDict[str, str] = OrderedDict()

    def update(self, replicas: Mapping[str, Replica]) -> None:
        """Replaces the replicas by those that there are now, with their last reports."""
        for id in self._replicas.keys() - replicas.keys():
            self._held.remove(id)
        for id, replica in replicas.items():
            before = self._replicas.get(id)
            if before is None or before.report != replica.report:
                self._held.report(id, replica.report.blocks)
        self._replicas = dict(replicas)
        self._ids = list(replicas)

    def routed(self, key: RoutingKey, replica: str) -> None:
        """Remembers that a request was sent to `replica`."""
        if replica not in self._replicas:
            return
        self._held.add(replica, key.blocks.hashes)
        if key.session:
            self._sessions[key.session] = replica
            self._sessions.move_to_end(key.session)
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)

    def rank(
        self, key: RoutingKey, ongoing: Callable[[str], int], avoid: frozenset[str] = frozenset()
    ) -> list[str]:
        """Returns some replicas, the best first; none only if there are none.

        `ongoing` tells how many requests a replica has. Those in `avoid` and full ones are left
        out, unless all are such: then the least busy is returned.
        """
        busy = {id: ongoing(id) for id in self._candidates(key) if id not in avoid}
        ranked = [id for id, count in busy.items() if count < self._replicas[id].max_ongoing]
        if ranked:
            return sorted(ranked, key=lambda id: self._cost(id, key, busy[id]))
        others = [id for id in self._ids if id not in avoid] or self._ids
        return [min(others, key=ongoing)] if others else []

    def _candidates(self, key: RoutingKey) -> Iterator[str]:
        session = self._sessions.get(key.session, "")
        if session in self._replicas:
            yield session
        found, depths = 0, 0
        for block in reversed(key.blocks.hashes):
            holders = self._held.holders(block)
            if len(holders) > found:
                yield from self._some(list(holders))
                found, depths = len(holders), depths + 1
                if depths == MAX_DEPTHS:
                    break
        yield from self._some(self._ids)

    def _some(self, ids: list[str]) -> Iterable[str]:
        return ids if len(ids) <= SAMPLE else self._random.sample(ids, SAMPLE)

    def _cost(self, id: str, key: RoutingKey, ongoing: int) -> int:
        held = self._held_bytes(id, key)
        if self._sessions.get(key.session) == id:
            held = max(held, SESSION_BYTES)
        return ongoing * REQUEST_BYTES - held

    def _held_bytes(self, id: str, key: RoutingKey) -> int:
        pairs = zip(reversed(key.blocks.hashes), reversed(key.blocks.ends), strict=True)
        return next((end for block, end in pairs if id in self._held.holders(block)), 0)
