"""Vectors that llama.cpp makes, of a worker's own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import gguf
import numpy as np
import pytest
import pytest_asyncio

from gateway.chat.request import Sampling
from gateway.engine.client import Client
from gateway.engine.generation import Generation
from gateway.engine.options import EngineOptions
from gateway.errors import BadRequest
from gateway.worker.interfaces import Vector
from gateway.worker.llama.load import LoadError
from gateway.worker.llama.model import Llama
from tests import numerics
from tests.worker import tiny

TEXTS = ["the cat", "a", "x y", "one two three four five six seven eight", "the cat", "zebra " * 12]


def start(path: Path, pooling: str | None = None, *, ubatch: int = 512) -> EngineOptions:
    options = numerics.llama_options(ubatch_size=ubatch, pooling=pooling)
    return numerics.engine_options(path, 1024, llama=options, embeddings=True)


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.bert(tmp_path_factory.mktemp("tiny") / "bert.gguf")


@pytest_asyncio.fixture
async def client(bert: Path) -> AsyncIterator[Client]:
    client = await Client.start(start(bert))
    yield client
    await client.stop()


async def vectors(client: Client, *texts: str) -> list[Vector]:
    embedded = await client.embed([[text] for text in texts])
    return [np.frombuffer(vector, "<f4") for vector in embedded.vectors]


async def check(client: Client) -> None:
    """The laws of vectors, whichever model makes them."""
    together = await vectors(client, *TEXTS)
    alone = [(await vectors(client, text))[0] for text in TEXTS]
    np.testing.assert_allclose(together, alone, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert {len(vector) for vector in together} == {client.info.dimensions}
    same = np.stack(together) @ together[0] > 0.9999
    assert same.tolist() == [text == TEXTS[0] for text in TEXTS]


# -- a model of two layers


async def test_texts_have_the_same_vectors_together_and_alone(client: Client) -> None:
    await check(client)


async def test_tokens_are_counted_with_their_marks(client: Client) -> None:
    assert (await client.embed([["ab", "c"], ["d"], [2, "e", 3]])).prompt_tokens == 5 + 3 + 3


async def test_who_gives_up_takes_nothing_from_the_others(client: Client) -> None:
    long = asyncio.create_task(vectors(client, *["many words " * 30] * 200))
    short = asyncio.create_task(vectors(client, *TEXTS))
    await asyncio.sleep(0.02)
    long.cancel()
    np.testing.assert_allclose(await short, await vectors(client, *TEXTS), atol=2e-3)
    with pytest.raises(asyncio.CancelledError):
        await long
    assert not client._jobs


async def test_a_text_that_is_too_long_is_told_and_hurts_no_other(client: Client) -> None:
    with pytest.raises(BadRequest, match="input 1 has 602 tokens; at most 512 are allowed"):
        await vectors(client, "a", "a" * 600)
    assert await vectors(client, "a" * 510)


async def test_a_model_for_embeddings_refuses_to_write(client: Client) -> None:
    assert (client.info.dimensions, client.info.context) == (tiny.WIDTH, 512)
    with pytest.raises(BadRequest, match="generates no text"):
        await anext(client.generate(Generation(["Hello"], Sampling())))


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_pooling_is_the_files_own_unless_another_is_asked(pooling: str, tmp_path: Path) -> None:
    own = tiny.bert(tmp_path / "own.gguf", gguf.PoolingType[pooling.upper()])
    none = tiny.bert(tmp_path / "none.gguf", None)
    (given,) = Llama(start(own)).embed([[2, 5, 9, 3]])
    (asked,) = Llama(start(none, pooling)).embed([[2, 5, 9, 3]])
    np.testing.assert_array_equal(given, asked)


def test_a_file_that_names_no_pooling_wants_it_named(tmp_path: Path) -> None:
    none = tiny.bert(tmp_path / "none.gguf", None)
    with pytest.raises(LoadError, match=r"llama\.pooling: .* set it to mean, cls or last"):
        Llama(start(none))


def test_a_model_that_ranks_makes_no_vectors(tmp_path: Path) -> None:
    ranks = tiny.bert(tmp_path / "ranks.gguf", gguf.PoolingType.RANK)
    with pytest.raises(LoadError, match="is a reranker and makes no embeddings"):
        Llama(start(ranks))


# -- the real model


@pytest.mark.model
@pytest.mark.parametrize("pooling", ["mean", "last"])
async def test_the_real_model_makes_vectors_of_texts(pooling: str, model_path: Path) -> None:
    client = await Client.start(start(model_path, pooling, ubatch=64))
    await check(client)
    near, far, cat = await vectors(client, "A kitten sleeps.", "Taxes rise in May.", "A cat naps.")
    assert near @ cat > far @ cat
    await client.stop()


@pytest.mark.model
async def test_a_model_that_writes_makes_no_vectors(model_path: Path) -> None:
    client = await Client.start(numerics.engine_options(model_path, 512))
    with pytest.raises(BadRequest, match="makes no embeddings"):
        await client.embed([["Hello"]])
    await client.stop()
