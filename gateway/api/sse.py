"""Chunks -> server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from sse_starlette import EventSourceResponse
from sse_starlette.sse import AppStatus
from starlette.types import Receive, Scope, Send

from gateway.api.errors import envelope, unexpected
from gateway.errors import GatewayError

KEEP_ALIVE_S = 10

# It would cut off every stream as soon as a signal comes.
AppStatus.enable_automatic_graceful_drain = False

Stream = AsyncGenerator[dict[str, Any], None]


class EventStream(EventSourceResponse):
    """Sends `first`, when it comes, and each of `chunks` as an event; comments keep it alive.

    It ends with `[DONE]`, or else with an error. However the sending ends, `chunks` is closed.
    """

    def __init__(self, first: asyncio.Future[dict[str, Any]], chunks: Stream):
        super().__init__(_events(first, chunks), ping=KEEP_ALIVE_S, sep="\n")
        self._first = first
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._chunks):
            try:
                await super().__call__(scope, receive, send)
            finally:
                self._first.cancel()
                await asyncio.gather(self._first, return_exceptions=True)


async def _events(first: asyncio.Future[dict[str, Any]], chunks: Stream) -> AsyncIterator[bytes]:
    try:
        yield _event(await first)
        async for chunk in chunks:
            yield _event(chunk)
        yield b"data: [DONE]\n\n"
    except Exception as error:
        known = error if isinstance(error, GatewayError) else unexpected(error)
        yield _event(envelope(known))


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
