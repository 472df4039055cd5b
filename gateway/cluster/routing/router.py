"""The router of Ray Serve for the gateway's replicas: asks the policy. Runs in each ingress."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from ray.serve.request_router import PendingRequest, ReplicaID, RequestRouter, RunningReplica

from gateway.cluster.routing.held import Report
from gateway.cluster.routing.key import RoutingKey
from gateway.cluster.routing.policy import Policy, Replica


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
        self._ids: dict[str, ReplicaID] = {}

    def update_replicas(self, replicas: list[RunningReplica]) -> None:
        self._ids = {replica.replica_id.unique_id: replica.replica_id for replica in replicas}
        self._policy.update({r.replica_id.unique_id: _described(r) for r in replicas})
        super().update_replicas(replicas)

    async def choose_replicas(
        self,
        candidate_replicas: list[RunningReplica],
        pending_request: PendingRequest | None = None,
    ) -> list[list[RunningReplica]]:
        candidates = {replica.replica_id.unique_id: replica for replica in candidate_replicas}
        ranked = self._policy.rank(_key(pending_request), self._ongoing, _avoided(pending_request))
        if pending_request is not None:
            pending_request.routing_context.should_backoff = True
        return [[candidates[id]] for id in ranked if id in candidates]

    def on_request_routed(
        self, pending_request: PendingRequest, replica_id: ReplicaID, result: Any
    ) -> None:
        self._policy.routed(_key(pending_request), replica_id.unique_id)

    def on_send_request(self, replica_id: ReplicaID) -> None:
        super().on_send_request(replica_id)
        self._sent[replica_id] += 1

    def on_request_completed(self, replica_id: ReplicaID, internal_request_id: str) -> None:
        super().on_request_completed(replica_id, internal_request_id)
        self._sent[replica_id] -= 1

    def _ongoing(self, id: str) -> int:
        """What the replica said of late, or else how many this router sent."""
        replica_id = self._ids[id]
        told = self._replica_queue_len_cache.get(replica_id)
        return self._sent[replica_id] if told is None else told


def _described(replica: RunningReplica) -> Replica:
    report = Report.from_stats(replica.routing_stats)
    return Replica(replica.max_ongoing_requests, report, replica.replica_metadata.get("origin", ""))


def _key(request: PendingRequest | None) -> RoutingKey:
    """The key of a call; an empty one for calls that have none, such as of the metrics."""
    key = getattr(_call(request), "key", None)
    return key if isinstance(key, RoutingKey) else RoutingKey()


def _avoided(request: PendingRequest | None) -> frozenset[str]:
    return frozenset(getattr(_call(request), "avoid", ()))


def _call(request: PendingRequest | None) -> object:
    return request.args[0] if request is not None and request.args else None
