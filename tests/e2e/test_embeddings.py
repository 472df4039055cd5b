"""Embeddings through the openai SDK, by a worker with a generated BERT model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from gateway.app import create_app
from gateway.config.load import Config, Entry
from tests.e2e.conftest import TOOL_GATEWAY
from tests.worker import tiny

TEXTS = ["search_query: a cat", "b", "search_document: a cat sleeps", "b"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    tiny.bert(folder / "bert.gguf")
    (folder / "models.yaml").write_text("models: {bert: {source: bert.gguf, embeddings: true}}")
    return folder


@pytest_asyncio.fixture
async def client(folder: Path) -> AsyncIterator[AsyncOpenAI]:
    entry = Entry(source="bert.gguf", embeddings=True, threads=1)
    served = create_app(Config(models={"bert": entry}, folder=folder, hosts=("gateway",)))
    async with served.router.lifespan_context(served):
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway/v1") as http:
            own: Any = http  # the SDK accepts httpx, but is annotated with httpx2
            yield AsyncOpenAI(
                api_key="none", base_url="http://gateway/v1", http_client=own, max_retries=0
            )


async def vectors(client: AsyncOpenAI, input: Any, **more: Any) -> Any:
    answer = await client.embeddings.create(model="bert", input=input, **more)
    assert [one.index for one in answer.data] == list(range(len(answer.data)))
    return np.array([one.embedding for one in answer.data])


async def test_vectors_have_the_order_of_their_texts(client: AsyncOpenAI) -> None:
    together = await vectors(client, TEXTS)
    alone = np.concatenate([await vectors(client, text) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together[1], together[3], atol=1e-5)
    assert together.shape == (4, tiny.WIDTH)


async def test_encodings_have_the_same_numbers(client: AsyncOpenAI) -> None:
    numbers = await vectors(client, TEXTS, encoding_format="float")
    np.testing.assert_array_equal(await vectors(client, TEXTS), numbers)


async def test_token_ids_give_the_vector_of_their_text(client: AsyncOpenAI) -> None:
    ab = [tiny.LETTERS.index(letter) + 4 for letter in "ab"]
    ab[1] += len(tiny.LETTERS)  # a letter inside a word
    spelled = await vectors(client, [[2, *ab, 3]])
    np.testing.assert_allclose(spelled, await vectors(client, "ab"), atol=1e-5)


async def test_shortened_vector_is_a_normalized_prefix(client: AsyncOpenAI) -> None:
    whole, few = await vectors(client, TEXTS), await vectors(client, TEXTS, dimensions=8)
    cut = whole[:, :8]
    np.testing.assert_allclose(few, cut / np.linalg.norm(cut, axis=1)[:, None], atol=1e-5)


async def test_usage_counts_the_tokens(client: AsyncOpenAI) -> None:
    answer = await client.embeddings.create(model="bert", input=["ab", "c"])
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (4 + 3, 4 + 3)


@pytest.mark.parametrize(
    ("input", "words"),
    [
        (["a", "a" * 600], "input 1 has 602 tokens"),
        ([[5], [9999]], "input 1 has a token id beyond"),
    ],
)
async def test_invalid_input_is_named_in_the_error(
    client: AsyncOpenAI, input: Any, words: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=words) as wrong:
        await vectors(client, input)
    assert wrong.value.param == "input"


async def test_embedding_model_is_rejected_for_chat(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="generates no text"):
        await client.chat.completions.create(
            model="bert", messages=[{"role": "user", "content": "Hi"}]
        )


def test_check_and_render_recognize_an_embedding_model(folder: Path) -> None:
    config = str(folder / "models.yaml")
    checked = subprocess.run(
        [TOOL_GATEWAY, "check", "--json", "--config", config], capture_output=True
    )
    [report] = json.loads(checked.stdout)
    assert (report["name"], report["format"]) == ("bert", "embeddings")
    rendered = subprocess.run(
        [TOOL_GATEWAY, "render", "--model", "bert", "--config", config],
        input=b'{"messages": [{"role": "user", "content": "Hi"}]}',
        capture_output=True,
    )
    assert b"bert is an embedding model and has no prompt" in rendered.stderr
