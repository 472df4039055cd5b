"""The same request to two worker processes: the same fingerprint, the same tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.chat.request import Sampling
from gateway.engine.client import Client
from gateway.engine.generation import Delta, Generation
from gateway.engine.options import CacheOffload, Options
from tests.numerics import engine_options

pytestmark = pytest.mark.model

SEEDED = Sampling(temperature=1, seed=7)
GRAMMAR = 'start: "The answer to this question is: " /[a-z ]{40}/'
LONG = "Count the words of this sentence. " * 80  # more than 512 tokens
Tokens = list[tuple[bytes, float]]


@asynccontextmanager
async def worker(path: Path, **options: Any) -> AsyncIterator[Client]:
    options = {"llama": Options(), "reproducible": "always", **options}
    client = await Client.start(engine_options(path, 2048, **options))
    try:
        yield client
    finally:
        await client.stop()


def request(text: str, *, logprobs: bool = True, fast_forward: bool = True) -> Generation:
    return Generation(
        [1, f"user\n{text}", 2, "\n", 1, "assistant\n"],
        SEEDED,
        GRAMMAR,
        48,
        top_logprobs=0 if logprobs else None,
        fast_forward=fast_forward,
        reproducible=True,
    )


async def deltas(client: Client, request: Generation) -> list[Delta]:
    async with aclosing(client.generate(request)) as stream:
        return [value async for value in stream if isinstance(value, Delta)]


async def tokens(client: Client, text: str) -> Tokens:
    found = await deltas(client, request(text))
    return [(bytes(one.bytes), one.logprob) for delta in found for one in delta.logprobs]


async def text(client: Client, request: Generation) -> str:
    return "".join(delta.text for delta in await deltas(client, request))


@pytest.mark.parametrize("prompt", ["Why?", LONG])
async def test_two_workers_with_other_threads_and_company_give_the_same_tokens(
    model_path: Path, prompt: str
) -> None:
    async with worker(model_path, threads=1) as alone, worker(model_path, threads=2) as busy:
        assert alone.info.fingerprint == busy.info.fingerprint != ""
        assert alone.info.not_reproducible == busy.info.not_reproducible == ""
        expected = await tokens(alone, prompt)
        found = await asyncio.gather(
            *(tokens(busy, one) for one in (prompt, LONG[:900], prompt, "Hello."))
        )
    assert found[0] == found[2] == expected
    assert expected


async def test_a_worker_that_goes_on_from_the_disk_gives_the_same_tokens(
    model_path: Path, tmp_path: Path
) -> None:
    kept = CacheOffload(2**26, str(tmp_path), 2**28)
    async with worker(model_path) as fresh:
        expected = await tokens(fresh, LONG)
    async with worker(model_path, cache_offload=kept) as before:
        await tokens(before, LONG + "And?")
    async with worker(model_path, cache_offload=kept) as after:
        found = await deltas(after, request(LONG))
    assert found[-1].cached_tokens > 500
    assert [(bytes(one.bytes), one.logprob) for d in found for one in d.logprobs] == expected


async def test_neither_fast_forward_nor_log_probabilities_change_the_text(
    model_path: Path,
) -> None:
    async with worker(model_path) as client:
        fast, slow, slowest = [
            await text(client, request(LONG, logprobs=logprobs, fast_forward=is_fast))
            for logprobs, is_fast in ((False, True), (False, False), (True, True))
        ]
    assert fast == slow == slowest
    assert fast.startswith("The answer")
