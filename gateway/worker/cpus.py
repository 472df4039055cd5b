"""How many processors there are for this process, and how much of them others leave to it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection
from pathlib import Path

STAT = Path("/proc/stat")
IDLE = (2, 4, 5)  # the fields of a processor that are as good as idle: nice, idle and iowait


def processors() -> int:
    """How many this process may use: threads beyond them only wait for each other."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def unused_s() -> float:
    """Seconds of processors, since some time past, that no other process has used.

    All of them where the system does not say. Source: proc_stat(5).
    """
    if sys.platform != "linux":
        return processors() * time.monotonic()
    return left_over_s(STAT.read_text(), os.sched_getaffinity(0), time.process_time())


def left_over_s(stat: str, cpus: Collection[int], own_s: float) -> float:
    """Idle time of `cpus` by the text of /proc/stat, plus the time that this process has used."""
    names = {f"cpu{i}" for i in cpus}
    lines = (line.split() for line in stat.splitlines())
    ticks = sum(int(line[field]) for line in lines if line[0] in names for field in IDLE)
    return ticks / os.sysconf("SC_CLK_TCK") + own_s
