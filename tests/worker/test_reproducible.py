"""Law L4 with a real model: a reproducible answer is the one that the model gives alone.

Compared are the tokens and their log-probabilities, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.engine.options import Options
from gateway.worker.llama.load import LoadError
from gateway.worker.llama.model import Llama
from tests import numerics
from tests.depth import pick
from tests.worker import tiny
from tests.worker.fake_llama import changed
from tests.worker.test_law_llama_cpp import MAX_BYTES, CountingLlama, new_loop, play, run_one

CONTEXT = 900  # tokens; too few for all conversations, so that prefixes are evicted
LETTERS = (2000, 1500, 20)  # answers lie on both sides of 512 tokens, where kernels change


def load(path: Path, **given: Any) -> CountingLlama:
    options = numerics.engine_options(path, CONTEXT, **{"llama": Options(), **given})
    return CountingLlama(options)


@pytest.fixture(scope="module")
def llama(model_path: Path) -> CountingLlama:
    return load(model_path, reproducible=True)


def emptied(llama: CountingLlama) -> CountingLlama:
    """The model with an empty KV cache; to load it again for each answer takes gigabytes."""
    for slot in range(llama.slots):
        llama.truncate(slot, 0)
    llama.restored = 0
    return llama


def check(llama: CountingLlama, schedule: int, requests: int) -> int:
    """Runs a random schedule, then each of its requests alone; how often it restored cells."""
    loop = new_loop(emptied(llama), MAX_BYTES)
    job, answers = play(loop, schedule, requests, LETTERS, temperatures=(0, 1))
    restored = llama.restored
    for id, answer in answers.items():
        alone = run_one(new_loop(emptied(llama), 0), changed(job[id], draft_tokens=0))
        count = len(answer.tokens)
        assert answer.tokens == alone.tokens[:count]
        assert answer.logprobs == alone.logprobs[:count]
        assert count == len(alone.tokens) or answer.finish is None
    return restored


@pytest.mark.model
@pytest.mark.parametrize("schedule", range(pick(fast=1, deep=50)))
def test_an_answer_is_the_same_to_the_last_bit_whatever_else_runs(
    llama: CountingLlama, schedule: int
) -> None:
    restored = check(llama, schedule, requests=10)
    assert restored or schedule > 0, "the first schedule evicts prefixes"


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        (tiny.recurrent, Options(), "a recurrent state"),
        (tiny.hybrid, Options(), "a recurrent state"),
        (tiny.windowed, Options(), "sliding-window"),
        (tiny.llama, Options(flash_attn="off"), "without flash attention"),
    ],
)
def test_what_is_not_reproducible_is_refused(
    kind: Callable[[Path], Path], options: Options, reason: str, tmp_path: Path
) -> None:
    path = kind(tmp_path / "tiny.gguf")
    with pytest.raises(LoadError, match=f"^reproducible: .*{reason}"):
        Llama(numerics.engine_options(path, 256, llama=options, reproducible=True))
