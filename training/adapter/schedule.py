"""The learning rate schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass

WARM_UP = 0.03  # share of the training
MIN_RATE = 0.02  # share of the peak rate


@dataclass(frozen=True, slots=True)
class Schedule:
    """Linear warm-up and cosine decay, over `minutes` or `tokens`, whichever ends first."""

    rate: float
    minutes: float
    tokens: float = math.inf

    def done(self, spent_s: float, tokens: int) -> float:
        """The share of the training that is done; 1 or more at the end."""
        return max(spent_s / 60 / self.minutes, tokens / self.tokens)

    def rate_at(self, done: float) -> float:
        if done < WARM_UP:
            return self.rate * max(MIN_RATE, done / WARM_UP)
        down = min(1, (done - WARM_UP) / (1 - WARM_UP))
        return self.rate * (MIN_RATE + (1 - MIN_RATE) * (1 + math.cos(math.pi * down)) / 2)
