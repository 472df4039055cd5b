"""A disk that is full costs the prefixes that would have gone there.

A limit to the size of files stands in for it, as mounting a small disk takes rights that not
everybody has: a write goes through in part and then fails, as on a disk that has become full.
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
MOST_BYTES = 2**20  # a prefix of these has seven times as many
LONG = 256  # tokens; more of either than what stays in the context for the other


async def test_a_full_disk_costs_the_prefixes_and_no_answer(gateway: Gateway) -> None:
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


async def test_a_folder_that_can_not_be_made_is_told_of(gateway: Gateway) -> None:
    before = await gateway.rest("m")
    failed = await gateway.ask("barred")
    assert (failed.status, failed.code) == (424, "model_unusable")
    assert "models.barred: prefix_cache.folder: " in failed.message
    await gateway.recovers(before, "m")


@contextmanager
def full(process: psutil.Process) -> Iterator[None]:
    """What `process` and those that it starts write may have so many bytes."""
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
