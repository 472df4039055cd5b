"""Counts what a worker does, and decides when to report it. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from gateway.engine.engine import EngineStats

REPORT_INTERVAL_S = 1.0


@dataclass(slots=True)
class StatsCounters:
    """Counters since the start of the worker. Plain numbers, since each token adds to them."""

    steps: int = 0
    tokens: int = 0
    masks: int = 0
    mask_s: float = 0.0


class HasStats(Protocol):
    def stats(self) -> EngineStats: ...


class StatsReporter:
    """Reports the stats of a loop when its worker starts to work, once a second, and at rest.

    The gateway kills a worker that has work and reports nothing.
    """

    def __init__(self, loop: HasStats, clock: Callable[[], float] = time.monotonic):
        self._loop = loop
        self._clock = clock
        self._was_idle = True
        self._reported_s = 0.0
        self._reported_tokens = 0

    def read(self, *, is_idle: bool) -> list[EngineStats]:
        """The report that is due, if any. Call it after each step, and while messages wait."""
        now_s = self._clock()
        elapsed_s = now_s - self._reported_s
        if is_idle == self._was_idle and (is_idle or elapsed_s < REPORT_INTERVAL_S):
            return []
        stats = self._loop.stats()
        is_running_on = not (is_idle or self._was_idle)
        per_s = (stats.tokens - self._reported_tokens) / elapsed_s if is_running_on else 0.0
        self._was_idle, self._reported_s, self._reported_tokens = is_idle, now_s, stats.tokens
        return [msgspec.structs.replace(stats, tokens_per_s=per_s)]
