"""The resources of a gateway and its workers, to detect leaks after a fault."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

MB = 2**20
MOST_GROWTH = 16 * MB  # of the gateway, for one fault
OWN = 1  # the request that reads /metrics
PIPES = 3  # to and from each process of its pool, which come and go
CLOSING_S = 0.05  # in which the gateway closes the connections of these requests


@dataclass(frozen=True, slots=True)
class Inventory:
    """Resources in use: memory in resident bytes, `claimed` in bytes reserved for the workers."""

    workers: int
    handles: int
    worker_handles: int
    running: int
    memory: int
    worker_memory: int
    claimed: int

    def excess(self, before: Inventory) -> list[str]:
        """Returns the resources that exceed `before` or their bound."""
        most = {
            "workers": before.workers,
            "handles": before.handles,
            "worker_handles": before.worker_handles,
            "running": 0,
            "memory": before.memory + MOST_GROWTH,
            "worker_memory": self.claimed,
        }
        found = {name: getattr(self, name) for name in most}
        return [
            f"{name}: {found[name]}, of {most[name]}" for name in most if found[name] > most[name]
        ]


def inventory(gateway: psutil.Process, url: str) -> Inventory:
    """Measures the resources of the gateway at `url`."""
    running = _running(_get(f"{url}/metrics").text)
    claimed = _get(f"{url}/health").json()["memory_mb"]["models"] * MB
    workers = workers_of(gateway)
    time.sleep(CLOSING_S)
    return Inventory(
        workers=len(workers),
        handles=gateway.num_fds() - PIPES * len(_children(gateway, "gateway.pool")),
        worker_handles=sum(worker.num_fds() for worker in workers),
        running=running,
        memory=gateway.memory_info().rss,
        worker_memory=sum(worker.memory_info().rss for worker in workers),
        claimed=claimed,
    )


def workers_of(gateway: psutil.Process) -> list[psutil.Process]:
    """The processes of models, which are not all children of a gateway."""
    return _children(gateway, "gateway.worker")


def _children(gateway: psutil.Process, module: str) -> list[psutil.Process]:
    alive = [child for child in gateway.children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in alive if module in child.cmdline()]


def _get(url: str) -> httpx.Response:
    return httpx.get(url, headers={"Connection": "close"}, timeout=60).raise_for_status()


def _running(metrics: str) -> int:
    """Returns the number of running and waiting sequences and requests."""
    names = {f"tool_gateway_sequences_{state}" for state in ("running", "waiting")}
    names.add("tool_gateway_requests_in_progress")
    families = text_string_to_metric_families(metrics)
    samples = (sample for family in families if family.name in names for sample in family.samples)
    return int(sum(sample.value for sample in samples)) - OWN
