"""A full disk loses the prefixes that would have been stored there, and nothing else.

A limit of the file size replaces a full disk, because mounting a small disk requires privileges:
a write succeeds in part and then fails, as on a full disk.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.faults.gateway import Gateway

pytestmark = pytest.mark.model

FIRST = [{"role": "user", "content": "The harbour was quiet and the boats lay still. " * 30}]
OTHER = [{"role": "user", "content": "A clock struck nine in the tower of the town. " * 30}]
MOST_BYTES = 2**20  # a seventh of the size of a prefix of these prompts
LONG = 256  # tokens; neither prompt keeps as many in the context beside the other


async def test_full_disk_loses_prefixes_but_no_answers(gateway: Gateway) -> None:
    prefixes = gateway.folder / "prefixes"
    with full(gateway.process):
        before = await gateway.rest("cached")
        for messages in (FIRST, OTHER, FIRST):
            ending = await gateway.ask("cached", messages=messages)
            assert (ending.finish, ending.cached < LONG) == ("length", True)
        assert [*prefixes.iterdir()] == []
    lift(gateway.workers)
    for messages in (OTHER, FIRST):
        await gateway.ask("cached", messages=messages)
    assert (await gateway.ask("cached", messages=OTHER)).cached > LONG
    assert [*prefixes.iterdir()]
    await gateway.recovers(before, "cached")


async def test_prefix_folder_that_cannot_be_created_is_named_in_the_error(gateway: Gateway) -> None:
    before = await gateway.rest("m")
    failed = await gateway.ask("barred")
    assert (failed.status, failed.code) == (424, "model_unusable")
    assert "models.barred: prefix_cache.folder: " in failed.message
    await gateway.recovers(before, "m")


@contextmanager
def full(process: psutil.Process) -> Iterator[None]:
    """Limits the files of `process` and of the processes that it starts to MOST_BYTES."""
    _, most = process.rlimit(resource.RLIMIT_FSIZE)
    process.rlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, most))
    try:
        yield
    finally:
        lift([process])


def lift(processes: list[psutil.Process]) -> None:
    for process in processes:
        _, most = process.rlimit(resource.RLIMIT_FSIZE)
        process.rlimit(resource.RLIMIT_FSIZE, (most, most))
