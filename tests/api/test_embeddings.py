"""The embeddings route returns vectors as the OpenAI API defines."""

from __future__ import annotations

import asyncio
import base64
import struct
from typing import Any

import pytest
from openai import AsyncOpenAI

from gateway.engine.generation import Embeddings
from gateway.errors import BadRequest
from tests.api.encoder import ENTRY, Encoder
from tests.fakes import RawClient, Script, app, gateway, scripted, until


def body(input: Any = "a", **more: Any) -> dict[str, Any]:
    return {"model": "m", "input": input, **more}


async def ask(script: Script, *arguments: Any, **more: Any) -> dict[str, Any]:
    async with gateway(script, **ENTRY) as client:
        answer = await client.post("/embeddings", json=body(*arguments, **more))
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    return whole


INPUTS: list[tuple[Any, list[list[str | int]]]] = [
    ("a", [["a"]]),
    (["a", "b"], [["a"], ["b"]]),
    ([5, 1], [[5, 1]]),
    ([[5, 1], [6]], [[5, 1], [6]]),
]


@pytest.mark.parametrize(("input", "asked"), INPUTS)
async def test_input_is_text_or_token_ids_or_a_list_of_either(input: Any, asked: Any) -> None:
    script = Encoder()
    answer = await ask(script, input)
    assert script.embedded == [asked]
    vector = pytest.approx([0.6, 0.8])
    assert answer == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": i, "embedding": vector} for i in range(len(asked))
        ],
        "model": "m",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }


async def test_base64_encodes_little_endian_floats() -> None:
    answer = await ask(Encoder(), encoding_format="base64", user="u", unheard_of=1)
    raw = base64.b64decode(answer["data"][0]["embedding"])
    assert struct.unpack("<2f", raw) == pytest.approx((0.6, 0.8))


async def test_shortened_vector_is_normalized() -> None:
    answer = await ask(Encoder(), dimensions=1)
    assert answer["data"][0]["embedding"] == [1.0]


@pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}])
async def test_sdk_parses_vectors(encoding: Any) -> None:
    async with gateway(Encoder(), **ENTRY) as http:
        own: Any = http
        client = AsyncOpenAI(api_key="none", base_url="http://gateway/v1", http_client=own)
        answer = await client.embeddings.create(model="m", input=["a", "b"], **encoding)
    assert [one.index for one in answer.data] == [0, 1]
    assert answer.data[1].embedding == pytest.approx([0.6, 0.8])


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"input": None}, "input", "found None"),
    ({"input": ""}, "input", "is empty"),
    ({"input": []}, "input", "at least 1 item"),
    ({"input": ["a", ""]}, "input.1", "is empty"),
    ({"input": [[1], []]}, "input.1", "at least 1 item"),
    ({"input": ["a", 5]}, "input.1", "found 5"),
    ({"input": [-1]}, "input.0", "found -1"),
    ({"input": ["a"] * 2049}, "input", "at most 2048"),
    ({"encoding_format": "hex"}, "encoding_format", "'base64'"),
    ({"dimensions": 0}, "dimensions", "found 0"),
    ({"dimensions": 3}, "dimensions", "this model's vectors have 2"),
]


@pytest.mark.parametrize(("wrong", "param", "words"), WRONG)
async def test_invalid_field_is_named_in_the_error(wrong: Any, param: str, words: str) -> None:
    async with gateway(Encoder(), **ENTRY) as client:
        answer = await client.post("/embeddings", json=body(**wrong))
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == param, error
    assert words in error["message"]


async def test_rejection_by_the_engine_names_the_input() -> None:
    class Refuses(Encoder):
        async def embed(self, inputs: list[list[str | int]]) -> Embeddings:
            raise BadRequest("input 0 has 9000 tokens")

    async with gateway(Refuses(), **ENTRY) as client:
        answer = await client.post("/embeddings", json=body())
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "input"


async def test_text_model_is_rejected_for_embeddings() -> None:
    async with gateway(scripted("Hi")) as client:
        answer = await client.post("/embeddings", json=body())
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"] == "model"
    assert "makes no embeddings" in error["message"]


async def test_disconnect_cancels_the_computation() -> None:
    class Slow(Encoder):
        async def embed(self, inputs: list[list[str | int]]) -> Embeddings:
            self.running += 1
            try:
                await asyncio.Event().wait()
            finally:
                self.running -= 1
            raise AssertionError

    script = Slow()
    served = app(script, **ENTRY)
    async with served.router.lifespan_context(served):
        client = RawClient(served, body(), "/v1/embeddings")
        visit = asyncio.create_task(client.run())
        await until(lambda: script.running == 1)
        client.gone.set()
        async with asyncio.timeout(5):
            await visit
        assert script.running == 0


async def test_embedding_model_is_listed_without_a_format() -> None:
    async with gateway(Encoder(), **ENTRY) as client:
        await client.post("/embeddings", json=body())
        [model] = (await client.get("/models")).json()["data"]
    assert (model["loaded"], model["format"]) == (True, None)
