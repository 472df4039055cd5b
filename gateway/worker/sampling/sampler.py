"""Samples the next token from logits, with a llama.cpp sampler chain."""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import Callable
from dataclasses import replace

import llama_cpp as lib
import numpy as np

from gateway.chat.events import Logprob
from gateway.chat.request import Sampling
from gateway.worker.interfaces import Logits, Mask
from gateway.worker.sampling.penalties import Penalties
from gateway.worker.sampling.top_k import Tokens, top_k_candidates

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
RANDOM_SEED = 2**32 - 1  # LLAMA_DEFAULT_SEED, which llama.cpp replaces by a random seed


class Sampler:
    """Samples the tokens of one answer, at most `max_tokens`. `close` frees the chain."""

    def __init__(self, sampling: Sampling, vocab_size: int, max_tokens: int):
        self._penalties = Penalties(sampling, max_tokens) if _penalizes(sampling) else None
        self._chain = _chain(sampling) if sampling.temperature else None
        self._top_k = sampling.top_k if sampling.temperature else 1
        candidates = np.empty(vocab_size, CANDIDATE)
        self._ids, self._logits = candidates["id"], candidates["logit"]
        data = candidates.ctypes.data_as(ctypes.POINTER(lib.llama_token_data))
        self._candidates = lib.llama_token_data_array(data, 0, -1, False)

    def sample(self, logits: Logits, mask: Mask | None = None) -> int:
        """A token that `mask` allows. Arrays have shape (vocabulary,)."""
        if self._penalties:
            logits = self._penalties.apply(logits)
        if self._chain is None and mask is None:
            return int(logits.argmax())
        tokens = top_k_candidates(logits, self._top_k, mask)
        if not len(tokens):
            raise ValueError("the grammar's mask allows no token")
        if self._chain is None:
            return int(tokens[logits[tokens].argmax()])
        return self._apply_chain(tokens, logits[tokens])

    def _apply_chain(self, tokens: Tokens, logits: Logits) -> int:
        candidates, size = self._candidates, len(tokens)
        self._ids[:size] = tokens
        self._logits[:size] = logits
        candidates.size, candidates.selected, candidates.sorted = size, -1, False
        lib.llama_sampler_apply(self._chain, ctypes.byref(candidates))
        return int(self._ids[candidates.selected])

    def accept(self, token: int) -> None:
        """Count a generated token for the penalties."""
        if self._penalties:
            self._penalties.accept(token)

    def close(self) -> None:
        if self._chain is not None:
            lib.llama_sampler_free(self._chain)
            self._chain = None


def _penalizes(sampling: Sampling) -> bool:
    return bool(
        sampling.frequency_penalty or sampling.presence_penalty or sampling.repeat_penalty != 1
    )


def _chain(sampling: Sampling) -> object:
    """The samplers in the order of llama-server."""
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    seed = secrets.randbelow(RANDOM_SEED) if sampling.seed is None else sampling.seed
    for step in (
        lib.llama_sampler_init_top_k(sampling.top_k),
        lib.llama_sampler_init_top_p(sampling.top_p, 1),
        lib.llama_sampler_init_min_p(sampling.min_p, 1),
        lib.llama_sampler_init_temp(sampling.temperature),
        lib.llama_sampler_init_dist(seed % RANDOM_SEED),
    ):
        lib.llama_sampler_chain_add(chain, step)
    return chain


def probability(logits: Logits, token: int) -> float:
    """The probability of `token`, before any mask and sampling setting."""
    weights = np.exp(logits - logits.max())
    return float(weights[token] / weights.sum(dtype=np.float64))


def logprob(logits: Logits, token: int, top: int, piece: Callable[[int], bytes]) -> Logprob:
    """The log-probability of `token` and of the `top` likeliest tokens, before any sampling."""
    highest = logits.max()
    total = float(highest) + float(np.log(np.exp(logits - highest).sum(dtype=np.float64)))
    candidates = top_k_candidates(logits, top) if top else np.arange(0)
    likeliest = candidates[np.argsort(-logits[candidates], kind="stable")][:top]

    def one(token: int) -> Logprob:
        data = piece(token)
        return Logprob(data.decode(errors="replace"), list(data), float(logits[token]) - total)

    return replace(one(token), top=tuple(one(int(other)) for other in likeliest))
