"""Several streams read at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def together(
    streams: Sequence[AsyncGenerator[T, None]],
) -> AsyncGenerator[tuple[int, T], None]:
    """What each of `streams` gives, with its index, as it comes. To close it closes them all."""
    try:
        if len(streams) == 1:
            async for part in streams[0]:
                yield 0, part
        else:
            async with aclosing(_poured(streams)) as parts:
                async for indexed in parts:
                    yield indexed
    finally:
        for stream in streams:
            await stream.aclose()


async def _poured(streams: Sequence[AsyncIterator[T]]) -> AsyncGenerator[tuple[int, T], None]:
    queue: asyncio.Queue[tuple[int, T] | BaseException | None] = asyncio.Queue()

    async def pour(index: int, stream: AsyncIterator[T]) -> None:
        try:
            async for part in stream:
                queue.put_nowait((index, part))
            queue.put_nowait(None)
        except Exception as error:
            queue.put_nowait(error)

    tasks = [asyncio.create_task(pour(i, stream)) for i, stream in enumerate(streams)]
    left = len(streams)
    try:
        while left:
            match await queue.get():
                case None:
                    left -= 1
                case BaseException() as error:
                    raise error
                case indexed:
                    yield indexed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
