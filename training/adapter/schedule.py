"""How fast to learn at which part of the way."""

from __future__ import annotations

import math
from dataclasses import dataclass

WARM_UP = 0.03  # of the way
LEAST = 0.02  # of the highest rate


@dataclass(frozen=True, slots=True)
class Schedule:
    """Up in a line, then down in half a wave, over so many minutes or tokens: what ends first."""

    rate: float
    minutes: float
    tokens: float = math.inf

    def done(self, spent_s: float, tokens: int) -> float:
        """The share of the way that is behind; 1 or more at its end."""
        return max(spent_s / 60 / self.minutes, tokens / self.tokens)

    def rate_at(self, done: float) -> float:
        if done < WARM_UP:
            return self.rate * max(LEAST, done / WARM_UP)
        down = min(1, (done - WARM_UP) / (1 - WARM_UP))
        return self.rate * (LEAST + (1 - LEAST) * (1 + math.cos(math.pi * down)) / 2)
