"""CPU work runs one piece at a time; streams are merged, or run in a task of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import pytest

from gateway.concurrency import LARGE, Serializer, detach, merge


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
async def test_merge_yields_each_item_with_the_index_of_its_stream(count: int) -> None:
    closed = list[int]()
    streams = [numbers(10 * i, closed) for i in range(count)]
    async with aclosing(merge(streams)) as items:
        found = [await anext(items) for _ in range(2 * count)]
    for i in range(count):
        assert [item for index, item in found if index == i] == [10 * i, 10 * i + 1]
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


async def test_detached_stream_yields_its_items_and_raises_its_error() -> None:
    async def stream() -> AsyncGenerator[int | None, None]:
        yield 1
        yield None
        raise ZeroDivisionError

    detached = detach(stream())
    assert [await anext(detached), await anext(detached)] == [1, None]
    with pytest.raises(ZeroDivisionError):
        await anext(detached)


async def test_timeout_inside_a_detached_stream_works_whichever_task_reads() -> None:
    limits = list[asyncio.Timeout]()

    async def stream() -> AsyncGenerator[int, None]:
        async with asyncio.timeout(None) as limit:
            limits.append(limit)
            yield 1
            await asyncio.Event().wait()

    detached = detach(stream())
    assert await asyncio.create_task(anext(detached)) == 1
    limits[0].reschedule(0)  # the time is up
    with pytest.raises(TimeoutError):
        await asyncio.create_task(anext(detached))


@pytest.mark.parametrize("count", [0, 1])
async def test_closing_a_detached_stream_cancels_what_it_waits_for(count: int) -> None:
    is_waiting, has_ended = asyncio.Event(), asyncio.Event()

    async def stream() -> AsyncGenerator[int, None]:
        try:
            for item in range(count):
                yield item
            is_waiting.set()
            await asyncio.Event().wait()
        finally:
            has_ended.set()

    async with aclosing(detach(stream())) as detached:
        reading = asyncio.create_task(anext(detached))
        await is_waiting.wait()
        if count:
            assert await reading == 0
        reading.cancel()
        await asyncio.wait({reading})
    assert has_ended.is_set()
