"""Running streams and CPU work side by side in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from contextvars import copy_context
from functools import partial
from typing import TypeVar

LARGE = 2**13  # bytes of a request; parsing it or writing its grammar takes up to 5 ms
THREADS = 2  # more would keep the interpreter's lock from the event loop for longer

T = TypeVar("T")


class Serializer:
    """Runs CPU work so that a burst of requests doesn't block the event loop.

    Small pieces of work run one at a time, each in a turn of the event loop of its own; a large one
    runs in a thread beside them.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def run(self, work: Callable[[], T], size: int) -> T:
        """Returns the result of `work`, which processes a request of `size` bytes."""
        if size > LARGE:
            in_context = partial(copy_context().run, work)
            return await asyncio.get_running_loop().run_in_executor(_threads, in_context)
        async with self._lock:
            await asyncio.sleep(0)  # lets other tasks run first
            return work()


_threads = ThreadPoolExecutor(THREADS, "cpu-work")


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
