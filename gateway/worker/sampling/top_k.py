"""Preselects candidates for top-k sampling, so that llama.cpp sorts no whole vocabulary. Pure."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gateway.worker.interfaces import Logits, Mask

Tokens: TypeAlias = npt.NDArray[np.intp]

MAX_SORTED = 2048  # up to this many candidates are cheap to sort
STRIDE = 48  # the sample has every 48th logit
# The rank of the threshold in the sample, beyond its share of k. With 8, fewer than k tokens reach
# the threshold once in 100,000 times.
MARGIN = 8


def top_k_candidates(logits: Logits, k: int, mask: Mask | None = None) -> Tokens:
    """Some tokens, in ascending order, that include the `k` likeliest which `mask` allows.

    They include ties with the last of these. With `k` 0 they are all allowed tokens. Arrays have
    shape (vocabulary,).
    """
    allowed = len(logits) if mask is None else np.count_nonzero(mask)
    if k and allowed > max(k, MAX_SORTED):
        is_near = logits >= _threshold(logits, k, mask)
        (tokens,) = (is_near if mask is None else is_near & mask).nonzero()
        if len(tokens) >= k:
            return tokens
    return np.arange(allowed) if mask is None else np.flatnonzero(mask)


def _threshold(logits: Logits, k: int, mask: Mask | None) -> np.float32:
    """An estimate, from a sample, of the logit that a few times `k` tokens reach."""
    sample = logits[::STRIDE] if mask is None else logits[::STRIDE][mask[::STRIDE]]
    rank = min(MARGIN + 2 * k // STRIDE, len(sample))
    sample = sample.copy()
    sample.partition(-rank)
    return np.float32(sample[-rank])
