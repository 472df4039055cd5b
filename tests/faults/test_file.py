"""A model file is deleted, replaced or truncated while it is served."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.talk import embedded
from tests.faults.gateway import Gateway, eventually

pytestmark = pytest.mark.model


def replace(file: Path) -> None:
    other = file.with_suffix(".other")
    other.write_text("This is no model.")
    other.replace(file)


def cut(file: Path) -> None:
    os.truncate(file, 20_000_000)


def put_back(file: Path) -> None:
    shutil.copyfile(embedded(), file.with_suffix(".new"))
    file.with_suffix(".new").replace(file)


@pytest.mark.parametrize(
    ("fault", "ends", "told"),
    [
        (Path.unlink, "length", "there is no file"),
        (replace, "length", "not a valid GGUF file: it begins with b'This'"),
        (cut, "engine_died", "corrupted or incomplete"),
    ],
)
async def test_changed_file_is_detected_at_the_next_load(
    gateway: Gateway, fault: Callable[[Path], None], ends: str, told: str
) -> None:
    file = gateway.folder / "copy.gguf"
    before = await gateway.rest("m", "copy")
    worker = await gateway.worker("copy")
    endings = await gateway.during_streams(lambda: fault(file), model="copy", max_tokens=60)
    assert {ending.finish or ending.code for ending in endings} == {ends}
    await gateway.end(worker, "copy")
    failed = await gateway.ask("copy")
    assert (failed.status, failed.code) == (424, "model_unusable")
    assert told in failed.message
    assert str(file) in failed.message
    put_back(file)
    assert await eventually(lambda: serves(gateway))
    await gateway.recovers(before, "m", "copy")


async def serves(gateway: Gateway) -> bool:
    return bool((await gateway.ask("copy")).finish)
