"""What a worker counts while it works, and when it says so. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from gateway.engine.engine import EngineStats

EVERY_S = 1.0


@dataclass(slots=True)
class Counts:
    """Since the worker's start. Plain numbers, as each token adds to them."""

    steps: int = 0
    tokens: int = 0
    masks: int = 0
    mask_s: float = 0.0


class Metered(Protocol):
    @property
    def is_idle(self) -> bool: ...

    def stats(self) -> EngineStats: ...


class Meter:
    """Tells what a worker does: when it starts to work, each second, and when nothing is left."""

    def __init__(self, worker: Metered, clock: Callable[[], float] = time.monotonic):
        self._worker = worker
        self._clock = clock
        self._was_idle = True
        self._told_s = 0.0
        self._told_tokens = 0

    def read(self) -> list[EngineStats]:
        """What there is to tell, if anything; call it after each step."""
        is_idle, now_s = self._worker.is_idle, self._clock()
        went_by_s = now_s - self._told_s
        if is_idle == self._was_idle and (is_idle or went_by_s < EVERY_S):
            return []
        stats = self._worker.stats()
        goes_on = not (is_idle or self._was_idle)
        per_s = (stats.tokens - self._told_tokens) / went_by_s if goes_on else 0.0
        self._was_idle, self._told_s, self._told_tokens = is_idle, now_s, stats.tokens
        return [msgspec.structs.replace(stats, tokens_per_s=per_s)]
