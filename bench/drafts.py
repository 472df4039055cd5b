"""Prompt-lookup decoding, for a text that repeats the prompt and for one that does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.bare import SOURCE
from bench.engine import deltas
from bench.figure import ROUNDS, THREADS, in_turn, medians, ratio
from gateway.chat.request import Sampling
from gateway.engine.generation import Generation
from gateway.engine.options import EngineOptions
from gateway.engine.protocol import Generate
from gateway.hub.source import locate
from gateway.worker.generation_loop import GenerationLoop
from gateway.worker.llama.model import Llama
from gateway.worker.sampling.grammar_matcher import GrammarCompiler

TITLE = "Prompt-lookup decoding: draft_tokens 7 against 0"
TEXT = (
    "The harbour was quiet and the boats lay still under a pale sky, while gulls circled the tower"
    " and the old clock struck nine. Nobody had seen the captain since Tuesday, when he walked"
    " along the pier with a brown suitcase and a letter from Oslo."
)
PROMPTS = {
    "a copy of the prompt": (f"{TEXT}\n\n{TEXT}\n\n{TEXT[:40]}", Sampling(temperature=0)),
    "a story": (
        "<|im_start|>user\nWrite a long story about a fox.<|im_end|>\n<|im_start|>assistant\n",
        Sampling(temperature=1.0, seed=1, repeat_penalty=1.1),
    ),
}
TOKENS = 100

Row = tuple[str, str, str]


def rows() -> Iterator[Row]:
    """Tokens per second with drafts, and the ratio to those without."""
    yield ("", "tokens/s", "ratio")
    llama = Llama(EngineOptions(str(locate(SOURCE, Path())), 4096, threads=THREADS))
    grammars = GrammarCompiler(llama)
    for name, (text, sampling) in PROMPTS.items():
        requests = [
            Generate(i, Generation([text], sampling, None, TOKENS, draft_tokens=i)) for i in (7, 0)
        ]
        rounds = in_turn(
            ROUNDS, *(lambda one=one: _tokens_s(llama, grammars, one) for one in requests)
        )
        yield (name, f"{medians(rounds)[0]:.0f}", f"{ratio(rounds, 0, 1):.3f}")


def _tokens_s(llama: Llama, grammars: GrammarCompiler, request: Generate) -> float:
    """Decode speed after the prefill, with an empty KV cache."""
    for slot in range(llama.slots):
        llama.truncate(slot, 0)
    worker = GenerationLoop(llama, grammars.matcher)
    worker.take(request)
    worker.step()
    began, tokens = time.perf_counter(), 0
    while not worker.is_idle:
        tokens += sum(delta.tokens for delta in deltas(worker.step()))
    return tokens / (time.perf_counter() - began)
