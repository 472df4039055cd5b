"""Embeddings by llama.cpp, in a worker process."""

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
from tests.fakes import until
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
    """What holds for the embeddings of every model."""
    together = await vectors(client, *TEXTS)
    alone = [(await vectors(client, text))[0] for text in TEXTS]
    np.testing.assert_allclose(together, alone, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert {len(vector) for vector in together} == {client.info.dimensions}
    same = np.stack(together) @ together[0] > 0.9999
    assert same.tolist() == [text == TEXTS[0] for text in TEXTS]


# -- a model of two layers


async def test_vectors_are_the_same_in_a_batch_and_alone(client: Client) -> None:
    await check(client)


async def test_prompt_tokens_include_the_special_tokens(client: Client) -> None:
    assert (await client.embed([["ab", "c"], ["d"], [2, "e", 3]])).prompt_tokens == 5 + 3 + 3


async def test_a_text_has_the_tokens_that_are_embedded_and_comes_back_from_them(
    client: Client,
) -> None:
    whole, alone = [(await client.tokenize(["ab"], add_special=add)).ids for add in (True, False)]
    assert len(whole) == (await client.embed([["ab"]])).prompt_tokens
    assert whole[1:-1] == alone
    assert b"".join(await client.pieces(alone)).decode().strip() == "ab"
    with pytest.raises(BadRequest, match="beyond the vocabulary"):
        await client.pieces([10**6])


async def test_many_texts_and_tokens_are_sent_in_parts(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = (await client.tokenize(["ab c"], add_special=False)).ids * 3
    whole, pieces = await client.embed([[text] for text in TEXTS]), await client.pieces(tokens)
    monkeypatch.setattr("gateway.engine.client.MAX_EMBED_CHARS", 12)
    monkeypatch.setattr("gateway.engine.client.MAX_PIECES", 2)
    assert await client.pieces(tokens) == pieces
    parts = await client.embed([[text] for text in TEXTS])
    assert parts.prompt_tokens == whole.prompt_tokens
    made, expected = (np.frombuffer(b"".join(each.vectors), "<f4") for each in (parts, whole))
    np.testing.assert_allclose(made, expected, atol=2e-3)
    with pytest.raises(BadRequest, match="input 2 has 2702 tokens"):
        await client.embed([["a"], ["b " * 10], ["many words " * 300]])


async def test_cancelling_an_embedding_job_leaves_other_jobs_alone(client: Client) -> None:
    long = asyncio.create_task(vectors(client, *["many words " * 30] * 200))
    short = asyncio.create_task(vectors(client, *TEXTS))
    await until(lambda: len(client._jobs) == 2)
    long.cancel()
    np.testing.assert_allclose(await short, await vectors(client, *TEXTS), atol=2e-3)
    with pytest.raises(asyncio.CancelledError):
        await long
    assert not client._jobs


async def test_an_input_that_is_too_long_is_rejected_and_the_worker_goes_on(client: Client) -> None:
    with pytest.raises(BadRequest, match="input 1 has 602 tokens; at most 512 are") as caught:
        await vectors(client, "a", "a" * 600)
    assert caught.value.code == "context_length_exceeded"
    assert await vectors(client, "a" * 510)


async def test_an_embedding_worker_rejects_generation(client: Client) -> None:
    assert (client.info.dimensions, client.info.context) == (tiny.WIDTH, 512)
    with pytest.raises(BadRequest, match="generates no text"):
        await anext(client.generate(Generation(["Hello"], Sampling())))


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_pooling_defaults_to_the_type_in_the_file(pooling: str, tmp_path: Path) -> None:
    own = tiny.bert(tmp_path / "own.gguf", gguf.PoolingType[pooling.upper()])
    none = tiny.bert(tmp_path / "none.gguf", None)
    (given,) = Llama(start(own)).embed([[2, 5, 9, 3]])
    (asked,) = Llama(start(none, pooling)).embed([[2, 5, 9, 3]])
    np.testing.assert_array_equal(given, asked)


def test_a_file_without_a_pooling_type_needs_the_option(tmp_path: Path) -> None:
    none = tiny.bert(tmp_path / "none.gguf", None)
    with pytest.raises(LoadError, match=r"llama\.pooling: .* set it to mean, cls or last"):
        Llama(start(none))


def test_a_reranker_makes_no_embeddings(tmp_path: Path) -> None:
    reranker = tiny.bert(tmp_path / "reranker.gguf", gguf.PoolingType.RANK)
    with pytest.raises(LoadError, match="is a reranker and makes no embeddings"):
        Llama(start(reranker))


# -- the real model


@pytest.mark.model
@pytest.mark.parametrize("pooling", ["mean", "last"])
async def test_the_real_model_makes_embeddings(pooling: str, model_path: Path) -> None:
    client = await Client.start(start(model_path, pooling, ubatch=64))
    await check(client)
    near, far, cat = await vectors(client, "A kitten sleeps.", "Taxes rise in May.", "A cat naps.")
    assert near @ cat > far @ cat
    await client.stop()


@pytest.mark.model
async def test_a_generation_worker_rejects_embedding(model_path: Path) -> None:
    client = await Client.start(numerics.engine_options(model_path, 512))
    with pytest.raises(BadRequest, match="makes no embeddings"):
        await client.embed([["Hello"]])
    await client.stop()
