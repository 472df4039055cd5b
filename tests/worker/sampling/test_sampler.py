"""Sampling from vocabularies of a few tokens, compared with llama.cpp's own chain."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import llama_cpp as lib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.chat.request import Sampling
from gateway.worker.interfaces import Logits, Mask
from gateway.worker.sampling.sampler import CANDIDATE, Sampler, logprob, probability
from tests.depth import pick

GREEDY = Sampling(temperature=0)
PLAIN = Sampling(
    temperature=1, top_p=1, top_k=0, min_p=0, seed=1
)  # samples from the softmax of the logits

levels = st.floats(-20, 20, width=32)


@contextmanager
def sampler(sampling: Sampling, vocabulary: int) -> Iterator[Sampler]:
    made = Sampler(sampling, vocabulary, max_tokens=64)
    yield made
    made.close()


def array(*values: float) -> Logits:
    return np.array(values, np.float32)


def only(*tokens: int, of: int) -> Mask:
    mask = np.zeros(of, np.bool_)
    mask[list(tokens)] = True
    return mask


def draws(sampling: Sampling, logits: Logits, count: int, mask: Mask | None = None) -> list[int]:
    with sampler(sampling, len(logits)) as made:
        return [made.sample(logits, mask) for _ in range(count)]


@given(st.lists(levels, min_size=1, max_size=20))
def test_greedy_sampling_takes_the_likeliest_token(values: list[float]) -> None:
    logits = array(*values)
    assert draws(GREEDY, logits, 1) == [logits.argmax()]


@settings(max_examples=pick(fast=40, deep=200))
@given(st.data(), st.sampled_from([GREEDY, PLAIN, Sampling(seed=3), Sampling(repeat_penalty=1.5)]))
def test_only_allowed_tokens_are_sampled(data: st.DataObject, sampling: Sampling) -> None:
    values = data.draw(st.lists(levels, min_size=2, max_size=100))
    allowed = data.draw(st.sets(st.integers(0, len(values) - 1), min_size=1))
    found = draws(sampling, array(*values), 5, only(*allowed, of=len(values)))
    assert set(found) <= allowed


def test_a_mask_may_allow_fewer_tokens_than_top_k() -> None:
    logits = np.arange(100, dtype=np.float32)
    assert set(draws(Sampling(top_k=40), logits, 50, only(3, of=100))) == {3}


def test_a_mask_that_allows_no_token_is_an_error() -> None:
    for sampling in (GREEDY, PLAIN):
        with pytest.raises(ValueError, match="the grammar's mask allows no token"):
            draws(sampling, array(1, 2), 1, only(of=2))


def test_a_mask_does_not_affect_the_next_sample() -> None:
    logits = array(0, 9, 5)
    with sampler(replace(PLAIN, top_k=1), 3) as made:
        assert [made.sample(logits, only(0, 2, of=3)), made.sample(logits)] == [2, 1]


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, 2**32, -1])
def test_the_same_seed_samples_the_same_tokens(seed: int) -> None:
    logits = np.zeros(50, np.float32)
    sampling = replace(PLAIN, seed=seed)
    assert draws(sampling, logits, 20) == draws(sampling, logits, 20)


def whole_chain(sampling: Sampling, vocabulary: int) -> object:
    """llama.cpp's own samplers for all of it, penalties included."""
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    penalties = sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty
    steps = [lib.llama_sampler_init_penalties(vocabulary, 64, *penalties)]
    if sampling.temperature == 0:
        steps += [lib.llama_sampler_init_greedy()]
    else:
        steps += [
            lib.llama_sampler_init_top_k(sampling.top_k),
            lib.llama_sampler_init_top_p(sampling.top_p, 1),
            lib.llama_sampler_init_min_p(sampling.min_p, 1),
            lib.llama_sampler_init_temp(sampling.temperature),
            lib.llama_sampler_init_dist(sampling.seed),
        ]
    for step in steps:
        lib.llama_sampler_chain_add(chain, step)
    return chain


def drawn_by(chain: object, logits: Logits, mask: Mask) -> int:
    """A draw from all that `mask` allows, by the whole chain."""
    tokens = np.flatnonzero(mask)
    candidates = np.zeros(len(tokens), CANDIDATE)
    candidates["id"], candidates["logit"] = tokens, logits[tokens]
    data = candidates.ctypes.data_as(ctypes.POINTER(lib.llama_token_data))
    array = lib.llama_token_data_array(data, len(candidates), -1, False)
    lib.llama_sampler_apply(chain, ctypes.byref(array))
    token = int(array.data[array.selected].id)
    lib.llama_sampler_accept(chain, token)
    return token


@pytest.mark.parametrize(
    "rest",
    [
        Sampling(),
        Sampling(temperature=0.2, top_p=0.9, frequency_penalty=0.4),
        Sampling(temperature=0, repeat_penalty=1.3),
        Sampling(top_k=0),
        Sampling(top_k=1, presence_penalty=1),
        Sampling(top_k=300, top_p=1, min_p=0, temperature=1.5, repeat_penalty=1.1),
        Sampling(top_k=10_000, top_p=0.99, min_p=0),
    ],
)
@pytest.mark.parametrize("scale", [0.3, 3, 15])
def test_a_seed_samples_the_same_tokens_as_llama_cpp(rest: Sampling, scale: float) -> None:
    vocabulary = 10_000
    for seed in range(pick(fast=3, deep=10)):
        sampling, chance = replace(rest, seed=seed), np.random.default_rng(seed)
        chain = whole_chain(sampling, vocabulary)
        with sampler(sampling, vocabulary) as made:
            for share in [1, 1, 0.5, 1, 0.001, 0.99, 1, 1] * 4:
                logits = (chance.standard_normal(vocabulary) * scale).astype(np.float32)
                mask = chance.random(vocabulary) < share
                mask[:2] = True
                token = made.sample(logits, None if share == 1 else mask)
                assert token == drawn_by(chain, logits, mask)
                made.accept(token)
        lib.llama_sampler_free(chain)


def test_answers_differ_without_a_seed() -> None:
    logits = np.zeros(50, np.float32)
    sampling = replace(PLAIN, seed=None)
    assert draws(sampling, logits, 20) != draws(sampling, logits, 20)


def test_tokens_are_sampled_as_often_as_they_are_likely() -> None:
    counts = Counter(draws(PLAIN, np.log(array(0.7, 0.2, 0.1)), 4000))
    assert [counts[i] / 4000 for i in range(3)] == pytest.approx([0.7, 0.2, 0.1], abs=0.03)


@pytest.mark.parametrize(
    ("sampling", "left"),
    [
        (replace(PLAIN, top_k=2), {0, 1}),
        (replace(PLAIN, top_p=0.5), {0}),
        (replace(PLAIN, min_p=0.4), {0, 1}),
    ],
)
def test_unlikely_tokens_are_cut_off(sampling: Sampling, left: set[int]) -> None:
    assert set(draws(sampling, np.log(array(0.6, 0.3, 0.1)), 300)) == left


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0, repeat_penalty=2),
        Sampling(temperature=0, frequency_penalty=1),
        Sampling(temperature=0, presence_penalty=1),
    ],
)
def test_a_penalty_prefers_tokens_that_are_new(sampling: Sampling) -> None:
    with sampler(sampling, 3) as made:
        logits = array(1.0, 0.9, 0.1)
        assert made.sample(logits) == 0
        made.accept(0)
        assert made.sample(logits) == 1


def test_frequency_penalty_counts_occurrences_and_presence_penalty_does_not() -> None:
    logits = array(2.0, 0.5)
    for sampling, then in (
        (Sampling(temperature=0, frequency_penalty=1), 1),
        (Sampling(temperature=0, presence_penalty=1), 0),
    ):
        with sampler(sampling, 2) as made:
            made.accept(0)
            made.accept(0)
            assert made.sample(logits) == then


@given(st.lists(levels, min_size=1, max_size=20), st.integers(0, 20))
def test_logprobs_are_log_softmax_with_the_likeliest_first(values: list[float], most: int) -> None:
    result = logprob(array(*values), 0, most, lambda token: bytes([65 + token]))
    top = [one.logprob for one in result.top]
    assert result.token == "A"
    assert top == sorted(top, reverse=True)
    assert len(top) == min(most, len(values))
    if most >= len(values):
        assert sum(np.exp(top)) == pytest.approx(1)
        assert result.logprob in top


@pytest.mark.parametrize("values", [(0.0, 1.0, -2.0), (500.0, -500.0, 499.0)])
def test_probabilities_are_those_of_the_logprobs(values: tuple[float, ...]) -> None:
    logits = array(*values)
    for token in range(len(values)):
        expected = np.exp(logprob(logits, token, 0, lambda _: b"").logprob)
        assert probability(logits, token) == pytest.approx(expected, rel=1e-5)


def test_an_incomplete_character_has_its_bytes_in_the_logprobs() -> None:
    result = logprob(array(1.0), 0, 0, lambda _: b"\xe2\x82")
    assert (result.token, result.bytes) == ("\N{REPLACEMENT CHARACTER}", [0xE2, 0x82])
