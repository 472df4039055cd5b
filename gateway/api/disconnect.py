"""Waiting for an answer for as long as its client does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from fastapi import Request, Response

from gateway.api.openai.chat_stream import Chunk
from gateway.api.sse import EventStream

# Until then an error can have a status of its own. The shortest time that a known proxy waits for
# headers is Heroku's, 30 s.
HEADERS_S = 20


async def begun(http: Request, stream: AsyncGenerator[Chunk, None]) -> Response:
    """The response, when `stream` has its first chunk, or has kept its client waiting for long."""
    first = asyncio.ensure_future(anext(stream))
    try:
        is_there = await _is_there(http, first, HEADERS_S)
        if first.done():
            first.result()
        return EventStream(first, stream) if is_there else _given_up(first)
    except BaseException:
        first.cancel()
        raise


async def until_hang_up(http: Request, work: Coroutine[None, None, Response]) -> Response:
    """Do `work`, but drop it when the client is gone."""
    working = asyncio.create_task(work)
    try:
        return await working if await _is_there(http, working) else _given_up(working)
    finally:
        working.cancel()


async def _is_there(
    http: Request, working: asyncio.Future[Any], timeout_s: float | None = None
) -> bool:
    """Wait for `working`, or for so long; whether the client is there still."""
    watching = asyncio.create_task(_hang_up(http))
    try:
        one = asyncio.FIRST_COMPLETED
        await asyncio.wait({working, watching}, timeout=timeout_s, return_when=one)
        return working.done() or not watching.done()
    finally:
        watching.cancel()


def _given_up(working: asyncio.Future[Any]) -> Response:
    working.cancel()
    return Response(status_code=499)


async def _hang_up(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
