"""Chunks -> server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send

from gateway.api.errors import envelope, unexpected
from gateway.errors import GatewayError

KEEP_ALIVE_S = 10

Stream = AsyncGenerator[dict[str, Any], None]


class EventStream(EventSourceResponse):
    """Sends `first` and each of `chunks` as an event, then `[DONE]`; comments keep it alive.

    However the sending ends, `chunks` is closed.
    """

    def __init__(self, first: dict[str, Any], chunks: Stream):
        super().__init__(_events(first, chunks), ping=KEEP_ALIVE_S, sep="\n")
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._chunks):
            await super().__call__(scope, receive, send)


async def _events(first: dict[str, Any], chunks: Stream) -> AsyncIterator[bytes]:
    yield _event(first)
    try:
        async for chunk in chunks:
            yield _event(chunk)
    except Exception as error:
        known = error if isinstance(error, GatewayError) else unexpected(error)
        yield _event(envelope(known))
    yield b"data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
