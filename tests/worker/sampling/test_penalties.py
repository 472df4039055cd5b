from __future__ import annotations

import ctypes

import llama_cpp as lib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.chat.request import Sampling
from gateway.worker.interfaces import Logits
from gateway.worker.sampling.penalties import Penalties
from tests.depth import pick

VOCABULARY = 50


def llama_cpp_penalties(sampling: Sampling, generated: list[int], logits: Logits) -> list[float]:
    """The logits after llama.cpp's own penalties sampler."""
    sampler = lib.llama_sampler_init_penalties(
        VOCABULARY,
        len(generated),
        sampling.repeat_penalty,
        sampling.frequency_penalty,
        sampling.presence_penalty,
    )
    for token in generated:
        lib.llama_sampler_accept(sampler, token)
    given = [lib.llama_token_data(i, float(logit)) for i, logit in enumerate(logits)]
    data = (lib.llama_token_data * VOCABULARY)(*given)
    array = lib.llama_token_data_array(data, VOCABULARY, -1, False)
    lib.llama_sampler_apply(sampler, ctypes.byref(array))
    lib.llama_sampler_free(sampler)
    return [one.logit for one in data]


@settings(max_examples=pick(fast=40, deep=200))
@given(
    st.lists(st.floats(-30, 30, width=32), min_size=VOCABULARY, max_size=VOCABULARY),
    st.lists(st.integers(0, VOCABULARY - 1), max_size=80),
    st.builds(
        Sampling,
        repeat_penalty=st.sampled_from([1.0, 1.1, 0.5, 2.0]),
        frequency_penalty=st.sampled_from([0.0, 0.4, -2.0]),
        presence_penalty=st.sampled_from([0.0, 1.5, -0.3]),
    ),
)
def test_penalties_equal_those_of_llama_cpp(
    values: list[float], generated: list[int], sampling: Sampling
) -> None:
    logits = np.array(values, np.float32)
    penalties = Penalties(sampling, len(generated))
    for token in generated:
        penalties.accept(token)
    # The last bit may differ on CPUs with fused multiply-add.
    assert list(penalties.apply(logits)) == pytest.approx(
        llama_cpp_penalties(sampling, generated, logits), 1e-6
    )


def test_penalties_leave_the_models_logits_unchanged() -> None:
    logits = np.ones(3, np.float32)
    penalties = Penalties(Sampling(presence_penalty=1), 5)
    penalties.accept(2)
    assert penalties.apply(logits).tolist() == [1, 1, 0]
    assert logits.tolist() == [1, 1, 1]
