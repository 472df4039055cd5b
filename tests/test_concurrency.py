"""CPU work runs one piece at a time; streams are merged, or run in a task of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from contextvars import ContextVar
from functools import partial

import pytest

from gateway.concurrency import LARGE, Serializer, merge


async def test_serializer_lets_other_tasks_run_between_two_pieces_of_work() -> None:
    serializer, done, seen = Serializer(), list[int](), list[int]()

    async def look() -> None:
        while len(done) < 5:
            seen.append(len(done))
            await asyncio.sleep(0)

    pieces = (serializer.run(partial(done.append, i), 1) for i in range(5))
    await asyncio.gather(look(), *pieces)
    assert done == [0, 1, 2, 3, 4]
    assert set(seen) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(("size", "is_in_thread"), [(LARGE, False), (LARGE + 1, True)])
async def test_serializer_runs_large_work_in_a_thread(size: int, is_in_thread: bool) -> None:
    thread = await Serializer().run(threading.get_ident, size)
    assert (thread != threading.get_ident()) == is_in_thread


async def test_large_work_holds_up_no_other() -> None:
    serializer, may_end = Serializer(), threading.Event()
    large = asyncio.create_task(serializer.run(may_end.wait, LARGE + 1))
    await asyncio.sleep(0)
    assert await serializer.run(lambda: 1, 1) == 1
    assert await serializer.run(lambda: 2, LARGE + 1) == 2
    assert not large.done()
    may_end.set()
    assert await large


async def test_large_work_can_be_abandoned() -> None:
    serializer, may_end = Serializer(), threading.Event()
    large = asyncio.create_task(serializer.run(may_end.wait, LARGE + 1))
    await asyncio.sleep(0)
    large.cancel()
    await asyncio.wait({large})
    assert large.cancelled()
    may_end.set()


async def test_large_work_has_the_context_of_its_task() -> None:
    name: ContextVar[str] = ContextVar("name")
    name.set("a")
    assert await Serializer().run(name.get, LARGE + 1) == "a"


async def test_serializer_goes_on_after_work_that_fails() -> None:
    serializer = Serializer()
    with pytest.raises(ZeroDivisionError):
        await serializer.run(lambda: 1 // 0, 1)
    assert await serializer.run(lambda: 2, 1) == 2


async def numbers(first: int, closed: list[int]) -> AsyncGenerator[int, None]:
    """`first` and the next number, then nothing for ever; `first` is in `closed` at its end."""
    try:
        yield first
        await asyncio.sleep(0)
        yield first + 1
        await asyncio.Event().wait()
    finally:
        closed.append(first)


@pytest.mark.parametrize("count", [1, 3])
async def test_merge_yields_the_items_of_all_streams(count: int) -> None:
    closed = list[int]()
    streams = [numbers(10 * i, closed) for i in range(count)]
    async with aclosing(merge(streams)) as items:
        found = [await anext(items) for _ in range(2 * count)]
    for i in range(count):
        assert [item for item in found if item // 10 == i] == [10 * i, 10 * i + 1]
    assert sorted(closed) == [10 * i for i in range(count)]


@pytest.mark.parametrize("count", [0, 2])
async def test_merge_raises_the_error_of_a_stream_and_closes_the_others(count: int) -> None:
    async def fails() -> AsyncGenerator[int, None]:
        yield 1
        raise ZeroDivisionError

    closed = list[int]()
    others = [numbers(10 * i, closed) for i in range(count)]
    with pytest.raises(ZeroDivisionError):
        async for _ in merge([fails(), *others]):
            pass
    assert sorted(closed) == [10 * i for i in range(count)]
