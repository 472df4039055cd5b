"""Running streams and CPU work side by side in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

LARGE = 2**14  # bytes of a request; parsing it and writing its grammar takes up to 10 ms

T = TypeVar("T")


class Serializer:
    """Runs CPU work one piece at a time, so that a burst of requests doesn't block the event loop.

    A piece of work runs in a turn of the event loop of its own, or in a thread if it is large.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def run(self, work: Callable[[], T], size: int) -> T:
        """Returns the result of `work`, which processes a request of `size` bytes."""
        async with self._lock:
            if size > LARGE:
                return await asyncio.to_thread(work)
            await asyncio.sleep(0)  # lets other tasks run first
            return work()


async def merge(
    streams: Sequence[AsyncGenerator[T, None]],
) -> AsyncGenerator[tuple[int, T], None]:
    """Yields the items of all `streams` as they arrive, each with the index of its stream.

    Closing the generator closes all streams.
    """
    try:
        if len(streams) == 1:
            async for item in streams[0]:
                yield 0, item
        else:
            async with aclosing(_merged(streams)) as items:
                async for indexed in items:
                    yield indexed
    finally:
        for stream in streams:
            await stream.aclose()


async def detach(stream: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Runs `stream` in a task of its own, and yields its items.

    An `asyncio.timeout` belongs to one task; a detached stream may hold one however it is read.
    Closing the generator cancels the stream, also while it waits.
    """
    items: asyncio.Queue[tuple[T] | None] = asyncio.Queue()

    async def forward() -> None:
        async with aclosing(stream):
            async for item in stream:
                items.put_nowait((item,))

    forwarding = asyncio.create_task(forward())
    forwarding.add_done_callback(lambda _: items.put_nowait(None))
    try:
        while item := await items.get():
            yield item[0]
        await forwarding  # raises what ended the stream
    finally:
        forwarding.cancel()
        await asyncio.wait({forwarding})  # not gather: cancelled, it would cancel the closing too


async def _merged(streams: Sequence[AsyncIterator[T]]) -> AsyncGenerator[tuple[int, T], None]:
    queue: asyncio.Queue[tuple[int, T] | BaseException | None] = asyncio.Queue()

    async def forward(index: int, stream: AsyncIterator[T]) -> None:
        try:
            async for item in stream:
                queue.put_nowait((index, item))
            queue.put_nowait(None)
        except Exception as error:
            queue.put_nowait(error)

    tasks = [asyncio.create_task(forward(i, stream)) for i, stream in enumerate(streams)]
    open_streams = len(streams)
    try:
        while open_streams:
            match await queue.get():
                case None:
                    open_streams -= 1
                case BaseException() as error:
                    raise error
                case indexed:
                    yield indexed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
