from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
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
        self.replica_metadata = {"origin": name * 8}
        self.ongoing = ongoing

    async def get_queue_len(self, *, deadline_s: float) -> int:
        return self.ongoing


@dataclass
class Call:
    """The first argument of a call by handle."""

    key: RoutingKey
    avoid: frozenset[str] = frozenset()


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
HELD = Report(CONVERSATION.hashes)
KEY = RoutingKey("m", "", CONVERSATION)


async def test_a_request_goes_where_its_prefix_is_reported() -> None:
    made = await router(FakeReplica("a"), FakeReplica("b", HELD), FakeReplica("c"))
    for _ in range(3):
        assert await chosen(made, request(Call(KEY))) == "b"


async def test_a_request_goes_where_the_one_before_was_sent() -> None:
    made = await router(*map(FakeReplica, "abcd"))
    key = RoutingKey("m", "session", blocks("m", [b"Hello"]))
    first = await chosen(made, request(Call(key)))
    for number in range(3):
        later = RoutingKey("m", "session", blocks("m", [b"%d" % number]))
        assert await chosen(made, request(Call(later))) == first


async def test_a_full_replica_is_passed_over() -> None:
    made = await router(FakeReplica("a"), FakeReplica("b", HELD, ongoing=4))
    assert await chosen(made, request(Call(KEY))) == "a"


async def test_a_replica_that_became_full_is_passed_over_at_the_next_try() -> None:
    made = await router(FakeReplica("a"), FakeReplica("b", HELD))
    pending = request(Call(KEY))
    assert (await made._choose_replica_for_request(pending)).replica_id.unique_id == "b"
    made.on_new_queue_len_info(ReplicaID("b", DEPLOYMENT), 4)  # it rejected the request
    again = await made._choose_replica_for_request(pending, is_retry=True)
    assert again.replica_id.unique_id == "a"


async def test_a_replica_that_refused_the_request_is_passed_over() -> None:
    made = await router(FakeReplica("a"), FakeReplica("b", HELD))
    assert await chosen(made, request(Call(KEY, avoid=frozenset("b")))) == "a"


async def test_a_replica_that_died_is_passed_over() -> None:
    made = await router(FakeReplica("a"), FakeReplica("b", HELD))
    made.on_replica_actor_died(ReplicaID("b", DEPLOYMENT))
    assert await chosen(made, request(Call(KEY))) == "a"


async def test_a_response_is_asked_for_where_it_was_made() -> None:
    made = await router(*map(FakeReplica, "abcd"))
    for _ in range(3):
        assert await chosen(made, request(Call(RoutingKey(origin="c" * 8)))) == "c"


@pytest.mark.parametrize("arguments", [(), ("no key",), (Call(RoutingKey()),)])
async def test_a_call_without_a_key_goes_to_the_least_busy_of_two(arguments: Any) -> None:
    made = await router(FakeReplica("a", ongoing=3), FakeReplica("b"))
    assert await chosen(made, request(*arguments)) == "b"


async def test_replicas_that_are_told_again_hold_what_they_held() -> None:
    replicas: list[Any] = [*map(FakeReplica, "abcd")]
    made = await router(*replicas)
    first = await chosen(made, request(Call(KEY)))
    for _ in range(3):  # another replica has changed each time
        made.update_replicas(replicas)
    assert await chosen(made, request(Call(KEY))) == first


async def test_requests_are_counted_while_no_replica_tells_its_load() -> None:
    made = await router(FakeReplica("a"), FakeReplica("b"))
    first = await chosen(made, request(Call(RoutingKey())))
    for name in "ab":
        made.replica_queue_len_cache.invalidate_key(ReplicaID(name, DEPLOYMENT))
    assert made._ongoing(first) == 1
    made.on_request_completed(ReplicaID(first, DEPLOYMENT), "1")
    assert made._ongoing(first) == 0
    made.on_request_completed(ReplicaID(first, DEPLOYMENT), "2")  # it could not be sent
    assert made._ongoing(first) == 0
