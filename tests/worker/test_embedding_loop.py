"""A batch has texts of several jobs, and each job gets its own vectors in its own order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from gateway.chat.request import Sampling
from gateway.engine.generation import Embeddings, Generation, Tokens
from gateway.engine.protocol import (
    Cancel,
    Detokenize,
    Embed,
    Failed,
    FromWorker,
    Generate,
    Pieces,
    Rejected,
    Reply,
    Tokenize,
)
from gateway.worker.embedding_loop import EmbeddingLoop
from gateway.worker.interfaces import Vector

SUFFIX = 31


class FakeEncoder:
    """Computes vectors from tokens; `batches` has the texts of each batch."""

    vocab_size = 32

    def __init__(self, batch_size: int = 8, slots: int = 4, max_input_tokens: int = 8):
        self.batch_size = batch_size
        self.slots = slots
        self.max_input_tokens = max_input_tokens
        self.batches: list[list[list[int]]] = []

    def embed(self, texts: Sequence[Sequence[int]]) -> list[Vector]:
        assert 0 < len(texts) <= self.slots
        assert sum(map(len, texts)) <= self.batch_size
        self.batches.append([list(text) for text in texts])
        if any(13 in text for text in texts):
            raise RuntimeError("llama_decode returned -3")
        return [vector(text) for text in texts]

    def tokenize(
        self, prompt: Iterable[str | int | list[int]], *, add_special: bool = True
    ) -> list[int]:
        return [part for part in prompt if isinstance(part, int)]

    def piece(self, token: int) -> bytes:
        return b"%d" % token

    def suffix_tokens(self) -> list[int]:
        return [SUFFIX]


def vector(text: Sequence[int]) -> Vector:
    return np.array([len(text), sum(text), text[0]], np.float32)


def unit(text: Sequence[int]) -> bytes:
    return (vector(text) / np.linalg.norm(vector(text))).astype("<f4").tobytes()


def ask(id: int, *texts: list[int]) -> Embed:
    return Embed(id, [list(text) for text in texts])


def run(loop: EmbeddingLoop) -> list[FromWorker]:
    posts = []
    while not loop.is_idle:
        posts += loop.step()
    return posts


def test_vectors_are_normalized_and_in_the_order_of_the_inputs() -> None:
    loop, texts = EmbeddingLoop(FakeEncoder()), [[1, 2, 3, 4, 5], [6], [7, 8, 9, 10], [11, 12]]
    assert loop.take(ask(1, *texts)) == []
    [answer] = run(loop)
    tokenized = [[*text, SUFFIX] for text in texts]
    assert answer == Reply(
        1, Embeddings([unit(text) for text in tokenized], sum(map(len, tokenized)))
    )


def test_short_texts_share_a_batch() -> None:
    encoder = FakeEncoder(batch_size=8, slots=3)
    loop = EmbeddingLoop(encoder)
    loop.take(ask(1, [1], [2], [3], [4], [5, 6, 7, 8, 9, 10, 11]))
    run(loop)
    assert [len(texts) for texts in encoder.batches] == [3, 1, 1]


def test_a_text_that_ends_with_the_suffix_gets_no_second_one() -> None:
    encoder = FakeEncoder()
    loop = EmbeddingLoop(encoder)
    loop.take(ask(1, [1, SUFFIX]))
    run(loop)
    assert encoder.batches == [[[1, SUFFIX]]]


def test_a_text_has_the_tokens_that_are_embedded_or_its_own_alone() -> None:
    loop = EmbeddingLoop(FakeEncoder())
    assert loop.take(Tokenize(1, [1])) == [Reply(1, Tokens([1, SUFFIX]))]
    assert loop.take(Tokenize(2, [1], add_special=False)) == [Reply(2, Tokens([1]))]
    assert loop.take(Detokenize(3, [1])) == [Reply(3, Pieces([b"1"]))]


def test_a_small_job_does_not_wait_for_a_large_one() -> None:
    loop = EmbeddingLoop(FakeEncoder())
    loop.take(ask(1, *[[1, 2, 3, 4, 5, 6, 7]] * 9))
    loop.take(ask(2, [1]))
    posts = loop.step() + loop.step()
    done = [post for post in posts if isinstance(post, Reply)]
    assert [(post.id, type(post.value)) for post in done] == [(2, Embeddings)]


def test_a_cancelled_job_leaves_others_alone() -> None:
    loop = EmbeddingLoop(FakeEncoder())
    loop.take(ask(1, *[[1, 2, 3]] * 5))
    loop.take(ask(2, *[[4, 5, 6]] * 5))
    loop.step()
    assert loop.take(Cancel(1)) == []
    assert run(loop) == [Reply(2, Embeddings([unit([4, 5, 6, SUFFIX])] * 5, 20))]


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([[1], [*range(1, 9)]], "input 1 has 9 tokens; at most 8 are allowed. Shorten it"),
        ([[32]], "input 0 has a token id beyond the vocabulary, 0 to 31"),
        ([[-1]], "input 0 has a token id beyond the vocabulary"),
    ],
)
def test_an_invalid_input_is_rejected_at_once(texts: list[list[int]], reason: str) -> None:
    loop = EmbeddingLoop(FakeEncoder())
    [answer] = loop.take(ask(1, *texts))
    assert isinstance(answer, Reply)
    assert isinstance(answer.value, Rejected)
    assert reason in answer.value.reason
    assert loop.is_idle


def test_no_inputs_have_no_vectors() -> None:
    assert EmbeddingLoop(FakeEncoder()).take(ask(1)) == [Reply(1, Embeddings([], 0))]


def test_an_embedding_loop_rejects_generation() -> None:
    [answer] = EmbeddingLoop(FakeEncoder()).take(Generate(1, Generation([1], Sampling())))
    assert isinstance(answer, Reply)
    assert isinstance(answer.value, Rejected)


def test_an_error_ends_only_the_jobs_of_its_batch(capsys: pytest.CaptureFixture[str]) -> None:
    loop = EmbeddingLoop(FakeEncoder())
    loop.take(ask(1, [13, 1, 2, 3, 4, 5, 6]))
    loop.take(ask(2, [1, 2]))
    values = [post.value for post in run(loop) if isinstance(post, Reply)]
    assert [type(value) for value in values] == [Failed, Embeddings]
    assert "llama_decode returned -3" in capsys.readouterr().err
