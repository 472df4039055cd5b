"""The check that a model is reproducible fails if its results depend on the batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gateway.worker.interfaces import Logits
from gateway.worker.llama.reproducible import is_exact


def exact(pieces: Sequence[list[int]]) -> Logits:
    return np.array([sum(map(sum, pieces))], np.float32)


def rounding_by_batch(pieces: Sequence[list[int]]) -> Logits:
    return exact(pieces) + np.float32(len(pieces[-1]) > 1)


def test_a_model_is_exact_if_no_cut_changes_a_bit() -> None:
    assert is_exact(exact, vocab_size=100)
    assert not is_exact(rounding_by_batch, vocab_size=100)
