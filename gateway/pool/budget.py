"""The CPU time and the memory of one job, which the system enforces on a process."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Budget(NamedTuple):
    """`cpu_s` seconds of CPU time; `memory_mb` MB of data, those of the program included."""

    cpu_s: float = 2
    memory_mb: int = 1024


class OverBudget(Exception):
    """A job took more than its budget, or its process ended otherwise; the message says which.

    `step` is the one that took a quarter of the CPU time or more, if there is one.
    """

    step = ""


def limit_memory(budget: Budget) -> None:
    """Has the system refuse this process memory beyond the budget, for good."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (budget.memory_mb * 2**20, most))


@contextmanager
def limited_time(budget: Budget) -> Iterator[None]:
    """Has the system kill this process when the context has used the CPU time of `budget`.

    A signal handler of Python's would wait for the end of a call into C or Rust, so none is set:
    by default SIGPROF ends a process.
    """
    signal.setitimer(signal.ITIMER_PROF, budget.cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
