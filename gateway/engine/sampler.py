"""Sampling settings -> the next token, drawn by a llama.cpp sampler chain."""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import Callable

import llama_cpp as lib
import msgspec
import numpy as np

from gateway.engine.messages import Logprob
from gateway.engine.model import Logits, Mask
from gateway.request import Sampling

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
RANDOM_SEED = 2**32 - 1  # LLAMA_DEFAULT_SEED: llama.cpp draws another in its place


class Sampler:
    """Draws one answer's tokens; `close` frees the chain."""

    def __init__(self, sampling: Sampling, vocab_size: int, most_tokens: int):
        self._chain = (
            None if _is_plain_greedy(sampling) else _chain(sampling, vocab_size, most_tokens)
        )
        if self._chain is not None:
            self._ids = np.arange(vocab_size, dtype=np.int32)
            self._candidates = np.empty(vocab_size, CANDIDATE)

    def draw(self, logits: Logits, mask: Mask | None = None) -> int:
        """A token, from those that `mask` allows; shapes (vocabulary,)."""
        allowed = None if mask is None else np.flatnonzero(mask)
        if allowed is not None and not len(allowed):
            raise ValueError("no token may come next")
        if self._chain is None:
            if allowed is None:
                return int(logits.argmax())
            return int(allowed[logits[allowed].argmax()])
        if allowed is None:
            return self._apply(self._ids, logits)
        return self._apply(allowed, logits[allowed])

    def _apply(self, ids: np.ndarray[tuple[int], np.dtype[np.signedinteger]], of: Logits) -> int:
        candidates = self._candidates[: len(ids)]
        candidates["id"] = ids
        candidates["logit"] = of
        data = candidates.ctypes.data_as(ctypes.POINTER(lib.llama_token_data))
        array = lib.llama_token_data_array(data, len(candidates), -1, False)
        lib.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def accept(self, token: int) -> None:
        """Let the penalties know that `token` was written."""
        if self._chain is not None:
            lib.llama_sampler_accept(self._chain, token)

    def close(self) -> None:
        if self._chain is not None:
            lib.llama_sampler_free(self._chain)
            self._chain = None


def _is_plain_greedy(sampling: Sampling) -> bool:
    return sampling.temperature == 0 and not _penalizes(sampling)


def _penalizes(sampling: Sampling) -> bool:
    return bool(
        sampling.frequency_penalty or sampling.presence_penalty or sampling.repeat_penalty != 1
    )


def _chain(sampling: Sampling, vocab_size: int, most_tokens: int) -> object:
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    steps = []
    if _penalizes(sampling):
        penalties = (
            sampling.repeat_penalty,
            sampling.frequency_penalty,
            sampling.presence_penalty,
        )
        steps.append(lib.llama_sampler_init_penalties(vocab_size, most_tokens, *penalties))
    if sampling.temperature == 0:
        steps.append(lib.llama_sampler_init_greedy())
    else:
        seed = secrets.randbelow(RANDOM_SEED) if sampling.seed is None else sampling.seed
        steps += [
            lib.llama_sampler_init_top_k(sampling.top_k),
            lib.llama_sampler_init_top_p(sampling.top_p, 1),
            lib.llama_sampler_init_min_p(sampling.min_p, 1),
            lib.llama_sampler_init_temp(sampling.temperature),
            lib.llama_sampler_init_dist(seed % RANDOM_SEED),
        ]
    for step in steps:
        lib.llama_sampler_chain_add(chain, step)
    return chain


def logprob(logits: Logits, token: int, most: int, piece: Callable[[int], bytes]) -> Logprob:
    """How likely the model held `token` to be, and the `most` likeliest, before any sampling."""
    wide = logits.astype(np.float64)
    wide -= wide.max()
    logs = wide - np.log(np.exp(wide).sum())
    likeliest = np.argsort(-logs)[:most]

    def one(token: int) -> Logprob:
        data = piece(token)
        return Logprob(data.decode(errors="replace"), list(data), float(logs[token]))

    return msgspec.structs.replace(one(token), top=[one(int(other)) for other in likeliest])
