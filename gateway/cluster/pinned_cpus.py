"""Binds a replica and its workers to CPUs that no other replica on the machine uses."""

from __future__ import annotations

import os

from gateway.errors import ConfigError


def pin(count: int, local_rank: int) -> None:
    """Binds this process to `count` CPUs, the replica's `local_rank`th share of the machine.

    Processes that it starts are bound too. Raises ConfigError if there are too few.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise ConfigError("pin_cpus: this system can't bind processes to CPUs; only Linux can")
    own = share(sorted(os.sched_getaffinity(0)), count, local_rank)
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), own)


def share(cpus: list[int], count: int, local_rank: int) -> list[int]:
    """Returns the CPUs of a replica; raises ConfigError if there are too few.

    >>> share([0, 1, 2, 3], 2, 1)
    [2, 3]
    """
    count = max(1, count)
    own = cpus[count * local_rank : count * (local_rank + 1)]
    if len(own) < count:
        raise ConfigError(
            f"pin_cpus: replica {local_rank} of this machine needs {count} CPUs, but"
            f" {len(own)} of its {len(cpus)} are left; lower num_cpus or the number of replicas"
        )
    return own
