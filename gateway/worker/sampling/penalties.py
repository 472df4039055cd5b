"""What makes tokens that an answer has already less likely to come again."""

from __future__ import annotations

import numpy as np

from gateway.chat.request import Sampling
from gateway.worker.interfaces import Logits


class Penalties:
    """Counts one answer's tokens, at most `most_tokens` of them, and lowers their logits.

    The formula is that of `llama_sampler_penalties_apply` in llama.cpp's src/llama-sampler.cpp,
    which looks every candidate up; here only what was written is looked at.
    """

    def __init__(self, sampling: Sampling, most_tokens: int):
        self._repeat = np.float32(sampling.repeat_penalty)
        self._frequency = np.float32(sampling.frequency_penalty)
        self._presence = np.float32(sampling.presence_penalty)
        self._places: dict[int, int] = {}
        self._tokens = np.empty(most_tokens, np.intp)
        self._counts = np.zeros(most_tokens, np.float32)
        self._losses = np.zeros(most_tokens, np.float32)

    def accept(self, token: int) -> None:
        """`token` was written."""
        place = self._places.setdefault(token, len(self._places))
        self._tokens[place] = token
        self._counts[place] += 1
        self._losses[place] = self._counts[place] * self._frequency + self._presence

    def apply(self, logits: Logits) -> Logits:
        """A copy of `logits` with the penalties taken off."""
        penalized, written = logits.copy(), self._tokens[: len(self._places)]
        if self._repeat != 1:
            values = logits[written]
            penalized[written] = np.where(values > 0, values / self._repeat, values * self._repeat)
        penalized[written] -= self._losses[: len(written)]
        return penalized
