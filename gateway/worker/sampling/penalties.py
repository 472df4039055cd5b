"""Repeat, frequency and presence penalties: lower the logits of tokens already generated. Pure."""

from __future__ import annotations

import numpy as np

from gateway.chat.request import Sampling
from gateway.worker.interfaces import Logits


class Penalties:
    """Counts the tokens of one answer, at most `max_tokens`, and lowers their logits.

    The formula is that of `llama_sampler_penalties_apply` in llama.cpp's src/llama-sampler.cpp.
    That function looks up every candidate; this class touches generated tokens only.
    """

    def __init__(self, sampling: Sampling, max_tokens: int):
        self._repeat = np.float32(sampling.repeat_penalty)
        self._frequency = np.float32(sampling.frequency_penalty)
        self._presence = np.float32(sampling.presence_penalty)
        self._places: dict[int, int] = {}  # token -> its index in the arrays
        self._tokens = np.empty(max_tokens, np.intp)
        self._counts = np.zeros(max_tokens, np.float32)
        self._losses = np.zeros(max_tokens, np.float32)

    def accept(self, token: int) -> None:
        """Count a generated token."""
        place = self._places.setdefault(token, len(self._places))
        self._tokens[place] = token
        self._counts[place] += 1
        self._losses[place] = self._counts[place] * self._frequency + self._presence

    def apply(self, logits: Logits) -> Logits:
        """A copy of `logits` with the penalties subtracted; shape (vocabulary,)."""
        penalized, generated = logits.copy(), self._tokens[: len(self._places)]
        if self._repeat != 1:
            values = logits[generated]
            penalized[generated] = np.where(
                values > 0, values / self._repeat, values * self._repeat
            )
        penalized[generated] -= self._losses[: len(generated)]
        return penalized
