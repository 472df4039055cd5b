"""The llama.cpp context of a real model."""

from __future__ import annotations

from pathlib import Path

import llama_cpp as lib
import pytest

from gateway.worker.cpus import usable_cpus
from gateway.worker.llama.model import Llama
from gateway.worker.scheduler.batch_plan import BatchItem
from gateway.worker.scheduler.sequence import Sequence
from tests.numerics import engine_options

pytestmark = pytest.mark.model


@pytest.mark.parametrize(("asked", "given"), [(None, usable_cpus()), (1, 1), (3, 3)])
def test_threads_default_to_the_number_of_usable_cpus(
    model_path: Path, asked: int | None, given: int
) -> None:
    llama = Llama(engine_options(model_path, 512, threads=asked))
    assert lib.llama_n_threads(llama._context) == given
    assert lib.llama_n_threads_batch(llama._context) == given


def test_no_token_is_longer_than_described(vocabulary: Llama) -> None:
    longest = max(len(vocabulary.piece(token)) for token in range(vocabulary.vocab_size))
    assert vocabulary.describe().max_token_bytes == longest
    for text in (" " * 5000, "\n" * 5000, "=" * 5000, "a" * 5000, "é" * 5000):
        assert len(vocabulary.tokenize([text])) >= len(text.encode()) / longest


def test_the_number_of_threads_can_be_changed(model_path: Path) -> None:
    llama = Llama(engine_options(model_path, 512, threads=1))
    llama.set_threads(2)
    assert lib.llama_n_threads(llama._context) == 2
    assert lib.llama_n_threads_batch(llama._context) == 2


def test_each_batch_item_gets_the_logits_of_its_last_token(model_path: Path) -> None:
    llama = Llama(engine_options(model_path, 512))
    prompts = [[30, 40], [50], list(range(60, 100))]
    for round in range(2):
        items = [
            BatchItem(Sequence(slot, []), slot, round * len(tokens), tokens, int(slot != 1))
            for slot, tokens in enumerate(prompts)
        ]
        [first], none, [third] = llama.decode(items)
        assert none == []
        for logits, end in ((first, 1), (third, 42)):
            theirs = lib.llama_get_logits_ith(llama._context, end)
            assert logits.tolist() == theirs[: llama.vocab_size]
