"""The router of Ray Serve for the gateway's replicas: asks the policy. Runs in each ingress."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Any

from ray.serve.request_router import PendingRequest, ReplicaID, RequestRouter, RunningReplica

from gateway.cluster.routing.held import Report
from gateway.cluster.routing.key import RoutingKey
from gateway.cluster.routing.policy import Policy, Replica

Stats = dict[str, Any]


class PrefixRouter(RequestRouter):
    """Sends a request to the replica that `Policy` ranks first, to the next if that one is full.

    The first positional argument of a call has the attribute `key`, a `RoutingKey`, and may have
    `avoid`, ids of replicas that have refused the request. Each rank is one replica: of several,
    Ray would take the least busy.
    """

    def initialize_state(self, seed: int | None = None, **kwargs: object) -> None:
        """`seed` makes choices repeatable; without it, routers must not choose alike."""
        self._policy = Policy(Random(seed))
        self._sent: Counter[ReplicaID] = Counter()  # requests of this router that are ongoing
        self._by_id: dict[str, RunningReplica] = {}
        self._described: dict[str, tuple[Stats, Replica]] = {}

    def update_replicas(self, replicas: list[RunningReplica]) -> None:
        self._know(replicas)
        super().update_replicas(replicas)

    def on_replica_actor_died(self, replica_id: ReplicaID) -> None:
        super().on_replica_actor_died(replica_id)
        self._know(self._replicas.values())

    async def choose_replicas(
        self,
        candidate_replicas: list[RunningReplica],
        pending_request: PendingRequest | None = None,
    ) -> list[list[RunningReplica]]:
        """Ray's candidates are all replicas."""
        if pending_request is not None:
            pending_request.routing_context.should_backoff = True
        ranked = self._policy.rank(_key(pending_request), self._ongoing, _avoided(pending_request))
        return [[self._by_id[id]] for id in ranked]

    def on_request_routed(
        self, pending_request: PendingRequest, replica_id: ReplicaID, result: Any
    ) -> None:
        self._policy.routed(_key(pending_request), replica_id.unique_id)

    def on_send_request(self, replica_id: ReplicaID) -> None:
        super().on_send_request(replica_id)
        self._sent[replica_id] += 1

    def on_request_completed(self, replica_id: ReplicaID, internal_request_id: str) -> None:
        """Ray calls this for requests that could not be sent, too."""
        super().on_request_completed(replica_id, internal_request_id)
        self._sent[replica_id] = max(0, self._sent[replica_id] - 1)

    def _know(self, replicas: Iterable[RunningReplica]) -> None:
        self._by_id = {replica.replica_id.unique_id: replica for replica in replicas}
        self._described = {id: self._describe(id) for id in self._by_id}
        self._policy.update({id: replica for id, (_, replica) in self._described.items()})
        present = {replica.replica_id for replica in self._by_id.values()}
        self._sent = Counter({id: count for id, count in self._sent.items() if id in present})

    def _describe(self, id: str) -> tuple[Stats, Replica]:
        """The replica as the policy knows it; Ray tells all replicas when one of them changes."""
        running = self._by_id[id]
        stats: Stats = running.routing_stats
        if id in self._described and self._described[id][0] == stats:
            return self._described[id]
        origin = running.replica_metadata.get("origin", "")
        return stats, Replica(running.max_ongoing_requests, Report.from_stats(stats), origin)

    def _ongoing(self, id: str) -> int:
        """What the replica said of late, or else how many this router sent."""
        replica_id = self._by_id[id].replica_id
        told = self._replica_queue_len_cache.get(replica_id)
        return self._sent[replica_id] if told is None else told


def _key(request: PendingRequest | None) -> RoutingKey:
    """The key of a call; an empty one for calls that have none, such as of the metrics."""
    key = getattr(_call(request), "key", None)
    return key if isinstance(key, RoutingKey) else RoutingKey()


def _avoided(request: PendingRequest | None) -> frozenset[str]:
    return frozenset(getattr(_call(request), "avoid", ()))


def _call(request: PendingRequest | None) -> object:
    return request.args[0] if request is not None and request.args else None
