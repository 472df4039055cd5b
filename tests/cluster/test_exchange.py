"""An ASGI application that is called in process."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway.cluster.call import Call
from gateway.cluster.exchange import exchange

START = {"type": "http.response.start", "status": 200, "headers": []}


def body(text: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": more}


async def test_messages_that_are_there_at_once_come_in_one_list() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(body((await receive())["body"], more=True))
        await asyncio.sleep(0.01)
        await send(body(scope["path"].encode()))

    found = [part async for part in exchange(app, Call({"path": "/a"}, b"sent"))]
    assert found == [[START, body(b"sent", more=True)], [body(b"/a")]]


async def test_closing_cancels_the_request() -> None:
    ended = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await receive()
        try:
            await receive()
        finally:
            ended.set()

    async with aclosing(exchange(app, Call({}, b""))) as parts:
        assert await anext(parts) == [START]
        assert not ended.is_set()
    assert ended.is_set()


async def test_an_exception_follows_what_was_sent() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        raise ValueError("a fault")

    parts = exchange(app, Call({}, b""))
    assert await anext(parts) == [START]
    with pytest.raises(ValueError, match="a fault"):
        await anext(parts)
