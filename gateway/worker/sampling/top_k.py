"""Which few of a vocabulary's tokens top-k sampling can draw from. Pure: it only looks."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gateway.worker.interfaces import Logits, Mask

Tokens: TypeAlias = npt.NDArray[np.intp]

FEW = 2048  # so many candidates are cheap to sort
STRIDE = 48
SURE = 8  # so many of the sample stand for more than k tokens but for one time in 100,000


def shortlist(logits: Logits, k: int, mask: Mask | None = None) -> Tokens:
    """Tokens in ascending order, with the `k` likeliest of those that `mask` allows among them.

    Ties with the last of them are in it too. With `k` 0 it is all that are allowed. Arrays are of
    shape (vocabulary,).
    """
    allowed = len(logits) if mask is None else np.count_nonzero(mask)
    if k and allowed > max(k, FEW):
        near = logits >= _level(logits, k, mask)
        (tokens,) = (near if mask is None else near & mask).nonzero()
        if len(tokens) >= k:
            return tokens
    return np.arange(allowed) if mask is None else np.flatnonzero(mask)


def _level(logits: Logits, k: int, mask: Mask | None) -> np.float32:
    """A guess, from a sample, at what a few times `k` of the logits are not below."""
    sample = logits[::STRIDE] if mask is None else logits[::STRIDE][mask[::STRIDE]]
    rank = min(SURE + 2 * k // STRIDE, len(sample))
    sample = sample.copy()
    sample.partition(-rank)
    return np.float32(sample[-rank])
