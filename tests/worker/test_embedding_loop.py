"""Texts of many jobs are read together, and each job gets its own vectors in its own order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from gateway.chat.request import Sampling
from gateway.engine.generation import Embeddings, Generation
from gateway.engine.protocol import Cancel, Embed, Failed, FromWorker, Generate, Rejected, Reply
from gateway.worker.embedding_loop import EmbeddingLoop
from gateway.worker.interfaces import Vector

CLOSING = 31


class FakeEncoder:
    """Vectors are told from texts; `passes` are the texts that were read together."""

    vocab_size = 32

    def __init__(self, batch: int = 8, slots: int = 4, longest: int = 8):
        self.batch_size = batch
        self.slots = slots
        self.max_input_tokens = longest
        self.passes: list[list[list[int]]] = []

    def embed(self, texts: Sequence[Sequence[int]]) -> list[Vector]:
        assert 0 < len(texts) <= self.slots
        assert sum(map(len, texts)) <= self.batch_size
        self.passes.append([list(text) for text in texts])
        if any(13 in text for text in texts):
            raise RuntimeError("llama_decode returned -3")
        return [vector(text) for text in texts]

    def tokenize(self, prompt: Iterable[str | int]) -> list[int]:
        return [part for part in prompt if isinstance(part, int)]

    def suffix_tokens(self) -> list[int]:
        return [CLOSING]


def vector(text: Sequence[int]) -> Vector:
    return np.array([len(text), sum(text), text[0]], np.float32)


def unit(text: Sequence[int]) -> bytes:
    return (vector(text) / np.linalg.norm(vector(text))).astype("<f4").tobytes()


def ask(id: int, *texts: list[int]) -> Embed:
    return Embed(id, [list(text) for text in texts])


def run(embedder: EmbeddingLoop) -> list[FromWorker]:
    posts = []
    while not embedder.is_idle:
        posts += embedder.step()
    return posts


def test_vectors_come_in_the_order_of_their_inputs_at_length_one() -> None:
    embedder, texts = EmbeddingLoop(FakeEncoder()), [[1, 2, 3, 4, 5], [6], [7, 8, 9, 10], [11, 12]]
    assert embedder.take(ask(1, *texts)) == []
    [answer] = run(embedder)
    closed = [[*text, CLOSING] for text in texts]
    assert answer == Reply(1, Embeddings([unit(text) for text in closed], sum(map(len, closed))))


def test_short_texts_are_read_together() -> None:
    encoder = FakeEncoder(batch=8, slots=3)
    embedder = EmbeddingLoop(encoder)
    embedder.take(ask(1, [1], [2], [3], [4], [5, 6, 7, 8, 9, 10, 11]))
    run(embedder)
    assert [len(texts) for texts in encoder.passes] == [3, 1, 1]


def test_a_text_that_is_closed_is_not_closed_again() -> None:
    encoder = FakeEncoder()
    embedder = EmbeddingLoop(encoder)
    embedder.take(ask(1, [1, CLOSING]))
    run(embedder)
    assert encoder.passes == [[[1, CLOSING]]]


def test_a_small_job_does_not_wait_for_a_big_one() -> None:
    embedder = EmbeddingLoop(FakeEncoder())
    embedder.take(ask(1, *[[1, 2, 3, 4, 5, 6, 7]] * 9))
    embedder.take(ask(2, [1]))
    posts = embedder.step() + embedder.step()
    done = [post for post in posts if isinstance(post, Reply)]
    assert [(post.id, type(post.value)) for post in done] == [(2, Embeddings)]


def test_who_cancels_takes_nothing_from_the_others() -> None:
    embedder = EmbeddingLoop(FakeEncoder())
    embedder.take(ask(1, *[[1, 2, 3]] * 5))
    embedder.take(ask(2, *[[4, 5, 6]] * 5))
    embedder.step()
    assert embedder.take(Cancel(1)) == []
    assert run(embedder) == [Reply(2, Embeddings([unit([4, 5, 6, CLOSING])] * 5, 20))]


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ([[1], [*range(1, 9)]], "input 1 has 9 tokens; at most 8 are allowed. Shorten it"),
        ([[32]], "input 0 has a token id beyond the vocabulary, 0 to 31"),
        ([[-1]], "input 0 has a token id beyond the vocabulary"),
    ],
)
def test_an_input_that_can_not_be_read_is_refused_at_once(
    texts: list[list[int]], told: str
) -> None:
    embedder = EmbeddingLoop(FakeEncoder())
    [answer] = embedder.take(ask(1, *texts))
    assert isinstance(answer, Reply)
    assert isinstance(answer.value, Rejected)
    assert told in answer.value.reason
    assert embedder.is_idle


def test_nothing_has_no_vectors() -> None:
    assert EmbeddingLoop(FakeEncoder()).take(ask(1)) == [Reply(1, Embeddings([], 0))]


def test_a_model_for_embeddings_writes_no_text() -> None:
    [answer] = EmbeddingLoop(FakeEncoder()).take(Generate(1, Generation([1], Sampling())))
    assert isinstance(answer, Reply)
    assert isinstance(answer.value, Rejected)


def test_a_fault_ends_the_jobs_that_it_met_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    embedder = EmbeddingLoop(FakeEncoder())
    embedder.take(ask(1, [13, 1, 2, 3, 4, 5, 6]))
    embedder.take(ask(2, [1, 2]))
    values = [post.value for post in run(embedder) if isinstance(post, Reply)]
    assert [type(value) for value in values] == [Failed, Embeddings]
    assert "llama_decode returned -3" in capsys.readouterr().err
