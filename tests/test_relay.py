"""A stream that is relayed runs in one task, and ends with who reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from gateway.concurrency import detach


async def test_what_comes_is_what_was_said_and_what_ended_it() -> None:
    async def stream() -> AsyncGenerator[int | None, None]:
        yield 1
        yield None
        raise ZeroDivisionError

    relayed = detach(stream())
    assert [await anext(relayed), await anext(relayed)] == [1, None]
    with pytest.raises(ZeroDivisionError):
        await anext(relayed)


async def test_a_timeout_holds_whoever_reads() -> None:
    async def stream() -> AsyncGenerator[int, None]:
        async with asyncio.timeout(0.01):
            yield 1
            await asyncio.Event().wait()

    relayed = detach(stream())
    assert await asyncio.create_task(anext(relayed)) == 1
    with pytest.raises(TimeoutError):
        await asyncio.create_task(anext(relayed))


@pytest.mark.parametrize("parts", [0, 1])
async def test_closing_it_cancels_what_it_waits_for(parts: int) -> None:
    ended = asyncio.Event()

    async def stream() -> AsyncGenerator[int, None]:
        try:
            for part in range(parts):
                yield part
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with aclosing(detach(stream())) as relayed:
        reading = asyncio.create_task(anext(relayed))
        await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.wait({reading})
    assert ended.is_set()
