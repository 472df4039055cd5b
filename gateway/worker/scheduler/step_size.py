"""The number of tokens in a step, which bounds for how long a new request waits. Pure."""

from __future__ import annotations

MAX_STEP_S = 0.25
MIN_TOKENS = 64  # fewer cost more each: 15 % with 32, on a CPU


class StepSize:
    """Learns from the duration of steps how many tokens take at most `MAX_STEP_S`.

    `tokens` is that number, from `MIN_TOKENS` to `max_tokens`, and at most that.
    """

    def __init__(self, max_tokens: int):
        self._max = max_tokens
        self._min = self.tokens = min(MIN_TOKENS, max_tokens)

    def record(self, tokens: int, step_s: float) -> None:
        """Take into account that a step of `tokens` took `step_s`."""
        if step_s > MAX_STEP_S and tokens > self._min:
            self.tokens = max(self._min, self.tokens // 2)
        elif step_s < 0.4 * MAX_STEP_S and tokens >= self.tokens:
            self.tokens = min(self._max, 2 * self.tokens)
