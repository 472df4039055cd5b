"""Two gateways with one folder of prefixes: each restores what the other has computed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.talk import embedded
from tests.faults.gateway import eventually, running

pytestmark = pytest.mark.model

FIRST = [{"role": "user", "content": "The harbour was quiet and the boats lay still. " * 30}]
OTHER = [{"role": "user", "content": "A clock struck nine in the tower of the town. " * 30}]
LONG = 256  # tokens; the context has no room for as many of both prompts


async def test_prefix_that_one_gateway_computed_is_restored_at_another(tmp_path: Path) -> None:
    prefixes = tmp_path / "prefixes"
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:  # as on two machines: a file of its own at a path of its own
        folder.mkdir()
        shutil.copyfile(embedded(), folder / f"{folder.name}.gguf")

    async def is_saved() -> bool:
        return any(file.suffix == ".prefix" for file in prefixes.glob("*"))

    one, other = (
        {
            "source": f"{folder.name}.gguf",
            "context": 512,
            "prefix_cache": {"memory_mb": 1, "folder": str(prefixes)},
        }
        for folder in folders
    )
    with running(folders[0], {"m": one}) as first, running(folders[1], {"m": other}) as second:
        assert (await second.ask()).cached == 0
        assert (await first.ask(messages=FIRST)).cached < LONG
        assert (await first.ask(messages=OTHER)).cached < LONG
        assert await eventually(is_saved)
        assert (await second.ask(messages=FIRST)).cached > LONG
