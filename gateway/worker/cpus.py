"""How many CPUs this process may use, and how much of them other processes leave."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection
from pathlib import Path

STAT = Path("/proc/stat")
IDLE_FIELDS = (2, 4, 5)  # of a CPU: nice, idle and iowait


def usable_cpus() -> int:
    """The number of CPUs that this process may run on; more threads than that slow it down."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_cpu_s() -> float:
    """CPU seconds, from some point in the past on, that no other process has used.

    Where the system does not tell, all of them. Source: proc_stat(5).
    """
    if sys.platform != "linux":
        return usable_cpus() * time.monotonic()
    return idle_and_own_s(STAT.read_text(), os.sched_getaffinity(0), time.process_time())


def idle_and_own_s(stat: str, cpus: Collection[int], own_s: float) -> float:
    """The idle seconds of `cpus` by the text of /proc/stat, and those of this process added."""
    names = {f"cpu{i}" for i in cpus}
    lines = (line.split() for line in stat.splitlines())
    ticks = sum(int(line[field]) for line in lines if line[0] in names for field in IDLE_FIELDS)
    return ticks / os.sysconf("SC_CLK_TCK") + own_s
