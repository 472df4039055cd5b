"""Running streams and CPU work side by side in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
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


def merge(streams: Sequence[AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
    """Yields the items of all `streams` as they arrive; closing it closes all streams."""
    return streams[0] if len(streams) == 1 else _merged(streams)


async def _merged(streams: Sequence[AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
    items: asyncio.Queue[tuple[T] | BaseException | None] = asyncio.Queue()

    async def forward(stream: AsyncGenerator[T, None]) -> None:
        try:
            async with aclosing(stream):
                async for item in stream:
                    items.put_nowait((item,))
            items.put_nowait(None)
        except Exception as error:
            items.put_nowait(error)

    tasks = [asyncio.create_task(forward(stream)) for stream in streams]
    open_streams = len(streams)
    try:
        while open_streams:
            match await items.get():
                case None:
                    open_streams -= 1
                case BaseException() as error:
                    raise error
                case (item,):
                    yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
