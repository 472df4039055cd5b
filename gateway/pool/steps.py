"""The steps of a job, of which the longest is known when the job has used up its budget."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Callable
from typing import NamedTuple

from gateway.pool.frames import frame


class Step(NamedTuple):
    """A step that has begun when `left_s` of the job's CPU time were left."""

    name: str
    left_s: float


_write: Callable[[bytes], object] | None = None


def announce_to(write: Callable[[bytes], object]) -> None:
    """Has the steps of this process's jobs written by `write`."""
    global _write
    _write = write


def begin_step(name: str) -> None:
    """Says what the job does from now on."""
    if _write:
        left_s, _ = signal.getitimer(signal.ITIMER_PROF)
        _write(frame(pickle.dumps(Step(name, left_s))))


def spend_half() -> None:
    """Halves what is left of the job's CPU time."""
    if _write:
        left_s, _ = signal.getitimer(signal.ITIMER_PROF)
        signal.setitimer(signal.ITIMER_PROF, left_s / 2)
