"""The chunked-prefill budget: how many prompt tokens a step computes beside streams. Pure."""

from __future__ import annotations

# How much longer than a step of decode alone a step may take. Measured from step to step, the gaps
# of a stream then stay within three times the usual.
MAX_STEP_RATIO = 2.5
STEP_TIME_WEIGHT = 0.1  # of the latest step in the moving average
FIRST_TOKENS = 4


class PrefillBudget:
    """Learns from the duration of steps how many tokens the next one may compute.

    `tokens` is that number, beyond one token for each decoding sequence; from 1 to `max_tokens`.
    """

    def __init__(self, max_tokens: int):
        self.tokens = min(FIRST_TOKENS, max_tokens)
        self._max_tokens = max_tokens
        self._decode_step_s: float | None = None  # moving average of steps without prefill

    def record(self, prefill_tokens: int, step_s: float) -> None:
        """Take into account a step that streams waited for."""
        if not prefill_tokens:
            average_s = self._decode_step_s or step_s
            self._decode_step_s = average_s + STEP_TIME_WEIGHT * (step_s - average_s)
        elif self._decode_step_s is not None:
            self._adapt(prefill_tokens, step_s / (MAX_STEP_RATIO * self._decode_step_s))

    def _adapt(self, prefill_tokens: int, load: float) -> None:
        if load > 1:
            self.tokens = max(1, int(min(self.tokens, prefill_tokens) / load))
        elif prefill_tokens >= self.tokens:
            self.tokens = min(self._max_tokens, self.tokens + 1 + self.tokens // 8)
