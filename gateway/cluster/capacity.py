"""Ray Serve's numbers for one replica, as they follow from models.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.admission.admission import SLOTS, slots_of
from gateway.api.server.serve import SHUTDOWN_S
from gateway.config.load import Config

OTHER_REQUESTS = 16  # that need no slot, such as lists of models


@dataclass(frozen=True, slots=True)
class Capacity:
    """Options of a deployment, by the names that Ray Serve has for them.

    Its defaults (5 ongoing requests for each replica, 2 for autoscaling) would leave most slots of
    a model empty.
    """

    max_ongoing_requests: int
    """Beyond these, Ray passes the replica over: all slots and queues of all models."""
    target_ongoing_requests: int
    """Autoscaling adds replicas above this mean: the slots of the models that are preloaded."""
    max_queued_requests: int
    """Requests that an ingress holds while no replica takes them: as many as one replica queues."""
    graceful_shutdown_timeout_s: float
    """Seconds that running requests have when the replica is removed: `grace_s`, and a little."""


def capacity(config: Config) -> Capacity:
    queued = sum(entry.queue for entry in config.models.values())
    preloaded = sum(slots_of(entry) for entry in config.models.values() if entry.preload)
    return Capacity(
        max_ongoing_requests=sum(map(slots_of, config.models.values())) + queued + OTHER_REQUESTS,
        target_ongoing_requests=preloaded or SLOTS,
        max_queued_requests=max(1, queued),  # Ray allows no 0
        graceful_shutdown_timeout_s=config.grace_s + SHUTDOWN_S,
    )
