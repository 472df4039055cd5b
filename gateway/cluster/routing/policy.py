"""Decides which replica a request should go to. Pure: no Ray, no clock, randomness from outside."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from gateway.cluster.routing.held import Report
from gateway.cluster.routing.held_index import HeldIndex
from gateway.cluster.routing.key import RoutingKey
from gateway.cluster.routing.recent_work import RecentWork

# What a replica costs, in bytes of prompt to compute. The first two gave the best table of
# `python -m bench.routing`, with the seeds 1 to 6.
REQUEST_BYTES = 1024  # for each ongoing request
BALANCE = 3  # times the prompt, if it is busy and was sent twice as much work as others of late
LOAD_BYTES = 256 << 10  # if it must load the model
UNLOAD_BYTES = 256 << 10  # if it must unload another one first

# What a replica is taken to hold of a prompt, at least.
SESSION_BYTES = 16 << 10  # if it had the conversation before
ORIGIN_BYTES = 1 << 30  # if it made the response that is continued: others may not have it

MAX_SESSIONS = 100_000
SAMPLE = 2  # power of two choices
MAX_LENGTHS = 4  # of held prefixes; the holders of each are considered


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica as its last report describes it; `max_ongoing` requests fill it.

    `origin` is what its responses' ids begin with.
    """

    max_ongoing: int
    report: Report = Report()
    origin: str = ""


class Policy:
    """Ranks replicas for a request by what it would cost there, in bytes of prompt to compute.

    A replica that holds more of the prompt computes less. So the longest held prefix wins unless
    its replica is much busier, and without one the less busy of two random replicas. A conversation
    stays where it was, and a replica that has loaded the model comes before one that has not.
    """

    def __init__(self, random: Random):
        self._random = random
        self._replicas: dict[str, Replica] = {}
        self._ids: list[str] = []
        self._held = HeldIndex()  # blocks, and models by their names
        self._model_mb: dict[str, int] = {}
        self._sessions: OrderedDict[str, str] = OrderedDict()
        self._origins: dict[str, str] = {}
        self._work = RecentWork()

    def update(self, replicas: Mapping[str, Replica]) -> None:
        """Replaces the replicas by those that there are now, with their last reports."""
        for id in self._replicas.keys() - replicas.keys():
            self._held.remove(id)
        for id, replica in replicas.items():
            before, report = self._replicas.get(id), replica.report
            if before is None or (before.report is not report and before.report != report):
                self._held.report(id, (*report.blocks, *report.models))
                self._model_mb.update(report.models)
        self._replicas = dict(replicas)
        self._ids = list(replicas)
        self._origins = {replica.origin: id for id, replica in replicas.items()}
        self._work.update(self._ids)

    def routed(self, key: RoutingKey, replica: str) -> None:
        """Remembers that a request was sent to `replica`."""
        if replica not in self._replicas:
            return
        missing = sum(key.blocks.sizes) - self._held_bytes(replica, key)
        self._work.add(replica, missing)
        self._held.add(replica, (key.model, *key.blocks.hashes))
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
            costs = {id: (self._cost(id, key, busy[id]), self._random.random()) for id in ranked}
            return sorted(ranked, key=costs.__getitem__)
        others = [id for id in self._ids if id not in avoid] or self._ids
        return [min(others, key=ongoing)] if others else []

    def _candidates(self, key: RoutingKey) -> Iterator[str]:
        """The conversation's replicas, some that hold the prompt or the model, and some others."""
        for known in (self._origin(key), self._sessions.get(key.session, "")):
            if known in self._replicas:
                yield known
        hashes, holders = key.blocks.hashes, 0
        for _ in range(MAX_LENGTHS):
            hashes = hashes[: self._count(hashes, holders + 1)]
            if not hashes:
                break
            found = list(self._held.holders(hashes[-1]))
            yield from self._some(found)
            holders = len(found)
        yield from self._some(list(self._held.holders(key.model)))
        yield from self._some(self._ids)

    def _some(self, ids: list[str]) -> list[str]:
        return ids if len(ids) <= SAMPLE else self._random.sample(ids, SAMPLE)

    def _cost(self, id: str, key: RoutingKey, ongoing: int) -> float:
        held = self._held_bytes(id, key)
        if self._origin(key) == id:
            held = ORIGIN_BYTES
        elif self._sessions.get(key.session) == id:
            held = max(held, SESSION_BYTES)
        more_work = max(0, self._work.relative(id) - 1) if ongoing else 0
        busy = ongoing * REQUEST_BYTES + more_work * BALANCE * sum(key.blocks.sizes)
        return busy + self._loading(id, key.model) - held

    def _origin(self, key: RoutingKey) -> str:
        return self._origins.get(key.origin, "") if key.origin else ""

    def _loading(self, id: str, model: str) -> int:
        """What it costs that the model must be loaded, as far as reports tell."""
        report = self._replicas[id].report
        is_known = model in self._model_mb and report != Report()
        if not is_known or id in self._held.holders(model):
            return 0
        return LOAD_BYTES + (UNLOAD_BYTES if report.free_mb < self._model_mb[model] else 0)

    def _held_bytes(self, id: str, key: RoutingKey) -> int:
        """The length of the prefix that a replica holds: it forgets the end of a prompt first."""
        hashes, held = key.blocks.hashes, self._held
        count = bisect_left(hashes, True, key=lambda hash: id not in held.holders(hash))
        return key.blocks.ends[count - 1] if count else 0

    def _count(self, hashes: Sequence[int], holders: int) -> int:
        """How many of the first blocks have so many holders."""
        held = self._held
        return bisect_left(hashes, True, key=lambda hash: len(held.holders(hash)) < holders)
