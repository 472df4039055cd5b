from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.worker.sampling.top_k import MAX_SORTED, top_k_candidates
from tests.depth import pick

VOCABULARY = 10_000
SHAPES = ["flat", "wide", "peaked", "ties", "far apart", "impossible", "broken"]


def logits(seed: int, shape: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    values = np.random.default_rng(seed).standard_normal(VOCABULARY)
    match shape:
        case "wide":
            values *= 10
        case "peaked":
            values[seed % VOCABULARY] = 100
        case "ties":
            values = np.round(values)
        case "far apart":
            values = values**9
        case "impossible":
            values[values < 3.3] = -np.inf
        case "broken":
            values[seed % VOCABULARY] = np.nan
    return values.astype(np.float32)


@settings(max_examples=pick(fast=60, deep=400))
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(SHAPES),
    st.sampled_from([None, 1, 0.9, 0.5, 0.01]),
    st.sampled_from([1, 40, 128, 3000, VOCABULARY]),
)
def test_the_k_likeliest_are_listed_with_all_their_ties(
    seed: int, shape: str, share: float | None, k: int
) -> None:
    values = logits(seed, shape)
    mask = np.random.default_rng(seed + 1).random(VOCABULARY) < (share or 1)
    listed = top_k_candidates(values, k, None if share is None else mask)
    assert (np.diff(listed) > 0).all()
    assert mask[listed].all()
    if shape == "broken":
        assert len(listed) >= min(k, mask.sum())
        return
    kth = np.sort(values[mask])[-min(k, mask.sum())]
    assert set(np.flatnonzero(mask & (values >= kth))) <= set(listed)


@pytest.mark.parametrize("shape", ["flat", "wide", "peaked", "far apart"])
@pytest.mark.parametrize("allowed", [VOCABULARY, VOCABULARY // 2])
def test_the_list_is_short(shape: str, allowed: int) -> None:
    for seed in range(20):
        mask = np.random.default_rng(seed).permutation(VOCABULARY) < allowed
        assert 40 <= len(top_k_candidates(logits(seed, shape), 40, mask)) <= MAX_SORTED


def test_without_k_all_are_listed() -> None:
    values = logits(0, "flat")
    assert len(top_k_candidates(values, 0)) == VOCABULARY
    assert list(top_k_candidates(values, 0, np.arange(VOCABULARY) < 3)) == [0, 1, 2]
