"""Guesses from the prompt: where it is to be repeated, and in a story."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.bare import SOURCE
from bench.figure import ROUNDS, THREADS, in_turn, medians, ratio
from gateway.engine.llama import Llama
from gateway.engine.matcher import Grammars
from gateway.engine.messages import Generate, Piece, Start
from gateway.engine.worker import Worker
from gateway.request import Sampling
from gateway.source import locate

TITLE = "Guesses from the prompt: draft_tokens 7 against 0"
TEXT = (
    "The harbour was quiet and the boats lay still under a pale sky, while gulls circled the tower"
    " and the old clock struck nine. Nobody had seen the captain since Tuesday, when he walked"
    " along the pier with a brown suitcase and a letter from Oslo."
)
ASKED = {
    "a text of the prompt, to be repeated": f"Repeat the following text word for word.\n{TEXT}",
    "a story": "Write a long story about a fox.",
}
PROMPT = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
TOKENS = 100

Row = tuple[str, str, str]


def rows() -> Iterator[Row]:
    """Tokens a second with guesses, and the ratio to those without."""
    yield ("", "tokens/s", "ratio")
    llama = Llama(Start(str(locate(SOURCE, Path())), 4096, threads=THREADS))
    grammars = Grammars(llama)
    for name, text in ASKED.items():
        asked = [
            Generate(
                i, [PROMPT.format(text)], Sampling(temperature=0), None, TOKENS, draft_tokens=i
            )
            for i in (7, 0)
        ]
        rounds = in_turn(
            ROUNDS, *(lambda one=one: _tokens_s(llama, grammars, one) for one in asked)
        )
        yield (name, f"{medians(rounds)[0]:.0f}", f"{ratio(rounds, 0, 1):.3f}")


def _tokens_s(llama: Llama, grammars: Grammars, asked: Generate) -> float:
    """From the end of the prompt on, with nothing else in the cells."""
    for slot in range(llama.slots):
        llama.forget(slot, 0)
    worker = Worker(llama, grammars.matcher)
    worker.take(asked)
    worker.step()
    began, tokens = time.perf_counter(), 0
    while not worker.is_idle:
        tokens += sum(post.tokens for post in worker.step() if isinstance(post, Piece))
    return tokens / (time.perf_counter() - began)
