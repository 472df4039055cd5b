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
    """Beyond these, an ingress rejects: as many as one replica takes may look for a replica."""
    graceful_shutdown_timeout_s: float
    """Seconds that running requests have when the replica is removed: `grace_s`, and a little."""


def capacity(config: Config) -> Capacity:
    """Returns the capacity of a replica that serves the models of `config`."""
    entries = config.models.values()
    held = sum(slots_of(entry) + entry.queue for entry in entries) + OTHER_REQUESTS
    preloaded = sum(slots_of(entry) for entry in entries if entry.preload)
    return Capacity(
        max_ongoing_requests=held,
        target_ongoing_requests=preloaded or SLOTS,
        max_queued_requests=held,
        graceful_shutdown_timeout_s=config.grace_s + SHUTDOWN_S,
    )
