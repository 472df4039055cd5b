from __future__ import annotations

import asyncio
from typing import Any

from ray.serve._private.common import DeploymentHandleSource, DeploymentID, RequestMetadata
from ray.serve.request_router import PendingRequest, ReplicaID

from gateway.cluster.routing.blocks import blocks
from gateway.cluster.routing.held import Report
from gateway.cluster.routing.key import RoutingKey
from gateway.cluster.routing.router import PrefixRouter

DEPLOYMENT = DeploymentID("gateway", "app")


class FakeReplica:
    """What a router sees of a running replica."""

    max_ongoing_requests = 4
    node_id = "node"
    availability_zone = None
    multiplexed_model_ids: frozenset[str] = frozenset()

    def __init__(self, name: str, report: Report = Report(), ongoing: int = 0):
        self.replica_id = ReplicaID(name, DEPLOYMENT)
        self.routing_stats = report.to_stats()
        self.ongoing = ongoing

    async def get_queue_len(self, *, deadline_s: float) -> int:
        return self.ongoing


class Call:
    """The first argument of a call by handle."""

    def __init__(self, key: RoutingKey):
        self.key = key


async def router(*replicas: FakeReplica) -> PrefixRouter:
    made = PrefixRouter(
        DEPLOYMENT, DeploymentHandleSource.REPLICA, use_replica_queue_len_cache=True
    )
    made.initialize_state(seed=1)
    made.update_replicas(list(replicas))  # type: ignore[arg-type]
    await asyncio.sleep(0.01)  # it asks the replicas how busy they are
    return made


def request(*args: Any) -> PendingRequest:
    return PendingRequest(args=[*args], kwargs={}, metadata=RequestMetadata("1", "1"))


async def chosen(router: PrefixRouter, pending: PendingRequest) -> str:
    """The replica that Ray sends the request to."""
    replica = await router._choose_replica_for_request(pending)
    router.on_send_request(replica.replica_id)
    router.on_request_routed(pending, replica.replica_id, None)
    return replica.replica_id.unique_id


CONVERSATION = blocks("m", [b"a" * 9000])
KEY = RoutingKey("m", "", CONVERSATION)


async def test_a_request_goes_where_its_prefix_is_reported() -> None:
    made = await router(FakeReplica("a"), FakeReplica("b", Report(CONVERSATION.hashes)))
    assert await chosen(made, request(Call(KEY))) == "b"
