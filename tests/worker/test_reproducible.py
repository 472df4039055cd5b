"""Law L4 with a real model: a reproducible answer is the one that the model gives alone.

Compared are the tokens and their log-probabilities, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from gateway.chat.request import Sampling
from gateway.engine.options import Options
from gateway.worker.llama.load import LoadError
from gateway.worker.llama.model import Llama
from tests import numerics
from tests.depth import pick
from tests.worker import tiny
from tests.worker.fake_llama import changed
from tests.worker.test_law_llama_cpp import (
    MAX_BYTES,
    CountingLlama,
    ask,
    new_loop,
    play,
    run_one,
)

CONTEXT = 900  # tokens; too few for all conversations, so that prefixes are evicted
LETTERS = (2000, 1500, 20)  # answers lie on both sides of 512 tokens, where kernels change
WIDTH = 1024  # four blocks of K-quants in each row, whose sums depend on their order
ONE_ORDER = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")  # in all kernels for these weights
K_QUANTS = ("Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K")
SHORT = (400, 300, 5)
OTHERS = ("BF16", "F16", "F32", "IQ4_NL")


def load(path: Path, **given: Any) -> CountingLlama:
    options = numerics.engine_options(path, CONTEXT, **{"llama": Options(), **given})
    return CountingLlama(options)


@pytest.fixture(scope="module")
def llama(model_path: Path) -> CountingLlama:
    return load(model_path, reproducible="always")


def emptied(llama: CountingLlama) -> CountingLlama:
    """The model with an empty KV cache; to load it again for each answer takes gigabytes."""
    for slot in range(llama.slots):
        llama.truncate(slot, 0)
    llama.restored = 0
    return llama


def check(
    llama: CountingLlama, schedule: int, requests: int, letters: Sequence[int] = LETTERS
) -> int:
    """Runs a random schedule, then each of its requests alone; how often it restored cells."""
    loop = new_loop(emptied(llama), MAX_BYTES)
    job, answers = play(loop, schedule, requests, letters, (0, 1), reproducible=True)
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


@pytest.fixture(scope="module")
def float_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("tiny") / "float.gguf", width=WIDTH)


@pytest.mark.parametrize("reproducible", ["auto", "always"])
@pytest.mark.parametrize("weights", ONE_ORDER)
def test_weights_with_one_order_are_reproducible_with_all_kernels(
    float_path: Path, tmp_path: Path, weights: str, reproducible: str
) -> None:
    path = tiny.quantized(float_path, tmp_path / "tiny.gguf", weights)
    llama = load(path, reproducible=reproducible)
    assert llama.describe().not_reproducible == ""
    check(llama, schedule=1, requests=5, letters=SHORT)


@pytest.mark.parametrize("weights", K_QUANTS)
def test_k_quants_are_reproducible_at_a_cost(
    float_path: Path, tmp_path: Path, weights: str
) -> None:
    path = tiny.quantized(float_path, tmp_path / "tiny.gguf", weights)
    # llama.cpp reads once in a process whether to compute K-quants in tiles.
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        fresh.submit(check_file, path).result()


def check_file(path: Path) -> None:
    check(load(path, reproducible="always"), schedule=1, requests=5, letters=SHORT)


@pytest.mark.parametrize("weights", K_QUANTS + OTHERS)
def test_if_kernels_have_several_orders_a_model_says_so(
    float_path: Path, tmp_path: Path, weights: str
) -> None:
    path = tiny.quantized(float_path, tmp_path / "tiny.gguf", weights)
    llama = load(path, reproducible="auto")
    if reason := llama.describe().not_reproducible:
        assert reason.startswith("with these weights, results depend on the batch; ")
        assert not llama.is_reproducible
    else:  # on this machine
        check(llama, schedule=1, requests=5, letters=SHORT)


@pytest.mark.parametrize("weights", OTHERS)
def test_other_weights_are_reproducible_or_refused(
    float_path: Path, tmp_path: Path, weights: str
) -> None:
    path = tiny.quantized(float_path, tmp_path / "tiny.gguf", weights)
    with suppress(LoadError):
        check_file(path)


def test_the_number_of_threads_changes_no_bit(float_path: Path, tmp_path: Path) -> None:
    path = tiny.quantized(float_path, tmp_path / "tiny.gguf", "Q8_0")
    alone, beside = (load(path, reproducible="always", threads=count) for count in (1, 2))
    for text in ("a", "b" * 600):
        job = ask(0, (text,), sampling=Sampling(temperature=1, seed=3))
        first, second = (run_one(new_loop(emptied(one), 0), job) for one in (alone, beside))
        assert first.logprobs == second.logprobs


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
        Llama(numerics.engine_options(path, 256, llama=options, reproducible="always"))
