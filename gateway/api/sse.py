"""Chunks -> server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from sse_starlette import EventSourceResponse, ServerSentEvent

from gateway.api.errors import envelope, unexpected
from gateway.errors import GatewayError

DONE = "[DONE]"
KEEP_ALIVE_S = 10

_encode = msgspec.json.Encoder().encode


def event_stream(chunks: AsyncGenerator[dict[str, Any], None]) -> EventSourceResponse:
    """A response that sends each chunk as one event, then `[DONE]`; comments keep it alive."""
    return EventSourceResponse(_events(chunks), ping=KEEP_ALIVE_S, sep="\n")


async def _events(chunks: AsyncGenerator[dict[str, Any], None]) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                yield ServerSentEvent(_encode(chunk).decode())
        except Exception as error:
            known = error if isinstance(error, GatewayError) else unexpected(error)
            yield ServerSentEvent(_encode(envelope(known)).decode())
    yield ServerSentEvent(DONE)
