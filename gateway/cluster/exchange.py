"""Runs an ASGI application in this process for a request that came from another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from starlette.types import ASGIApp, Message

from gateway.cluster.call import Call


async def exchange(app: ASGIApp, call: Call) -> AsyncGenerator[list[Message], None]:
    """Yields the messages of the response, in one list those that are there at once.

    Closing the generator cancels the request, as a hang-up of its client does.
    """
    sent: list[Message] = []
    news = asyncio.Event()
    unread: list[Message] = [{"type": "http.request", "body": call.body, "more_body": False}]

    async def receive() -> Message:
        if not unread:
            await asyncio.Event().wait()  # a client that is gone is told by the cancellation
        return unread.pop()

    async def send(message: Any) -> None:
        sent.append(message)
        news.set()

    running = asyncio.ensure_future(app(dict(call.scope), receive, send))
    running.add_done_callback(lambda _: news.set())
    try:
        while sent or not running.done():
            await news.wait()
            news.clear()
            if sent:
                messages, sent = sent, []
                yield messages
        running.result()
    finally:
        running.cancel()
        await asyncio.wait([running])
