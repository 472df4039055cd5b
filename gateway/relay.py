"""A stream that runs in a task of its own, whoever reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def relay(stream: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """What `stream` yields. It may hold a timeout meanwhile, which belongs to one task.

    Closing the relay cancels the stream, also while it waits.
    """
    parts: asyncio.Queue[tuple[T] | None] = asyncio.Queue()

    async def pour() -> None:
        async with aclosing(stream):
            async for part in stream:
                parts.put_nowait((part,))

    pouring = asyncio.create_task(pour())
    pouring.add_done_callback(lambda _: parts.put_nowait(None))
    try:
        while part := await parts.get():
            yield part[0]
        await pouring  # it tells what ended the stream
    finally:
        pouring.cancel()
        await asyncio.wait({pouring})  # a gather that is cancelled would cancel its closing, too
