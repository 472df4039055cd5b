"""Responses that last as long as their client listens: whole answers, and streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress

from fastapi import Request, Response
from starlette.types import Message, Receive, Scope, Send

from gateway.api.errors import record, unexpected
from gateway.errors import GatewayError

# An error within this time has an HTTP status of its own. The shortest time that a known proxy
# waits for headers is Heroku's, 30 s.
HEADERS_S = 20
KEEP_ALIVE_S = 10
CLIENT_CLOSED_REQUEST = 499  # nginx's status for a client that hangs up before the answer

Frames = AsyncGenerator[bytes, None]


async def until_disconnect(http: Request, work: Coroutine[None, None, Response]) -> Response:
    """Returns the response of `work`, which is cancelled if the client hangs up."""
    loop = asyncio.get_running_loop()
    connected = asyncio.timeout(None)

    def cut_off(watching: asyncio.Task[None]) -> None:
        if not watching.cancelled():
            with suppress(RuntimeError):  # the work has ended too
                connected.reschedule(loop.time())

    watching = asyncio.create_task(_disconnect(http.receive))
    try:
        async with connected:
            watching.add_done_callback(cut_off)
            return await work
    except TimeoutError:
        if not connected.expired():
            raise
        return Response(status_code=CLIENT_CLOSED_REQUEST)
    finally:
        watching.remove_done_callback(cut_off)
        watching.cancel()


class StreamResponse(Response):
    """Streams `frames` as they are produced, however slowly the client reads them.

    A separate task produces the frames into a buffer, so a client that doesn't read keeps no slot
    of a model. An error before the first frame is raised, so that it has a status; after a later
    one, `error_frames(error)` are the last. If there is nothing to send, `keep_alive` is. A hang-up
    cancels the production, and closes `frames`.
    """

    def __init__(
        self,
        frames: Frames,
        error_frames: Callable[[GatewayError], bytes],
        keep_alive: bytes,
        media_type: str = "text/event-stream",
        *,
        headers_s: float = HEADERS_S,
        keep_alive_s: float = KEEP_ALIVE_S,
    ):
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(headers=headers, media_type=media_type)
        del self.headers["content-length"]
        self._frames = frames
        self._error_frames = error_frames
        self._keep_alive = keep_alive
        self._headers_s = headers_s
        self._keep_alive_s = keep_alive_s
        self._pending = bytearray()
        self._news = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        producing = asyncio.create_task(self._produce())
        watching = asyncio.create_task(_disconnect(receive))
        for task in (producing, watching):
            task.add_done_callback(lambda _: self._news.set())
        try:
            await self._wait(self._headers_s)
            if watching.done() and not producing.done():
                await Response(status_code=CLIENT_CLOSED_REQUEST)(scope, receive, send)
                return
            if producing.done() and not self._pending:
                producing.result()
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._send_all(producing, watching, send)
        finally:
            producing.cancel()
            watching.cancel()
            await asyncio.gather(producing, watching, return_exceptions=True)

    async def _produce(self) -> None:
        async with aclosing(self._frames) as frames:
            async for frame in frames:
                self._pending += frame
                self._news.set()

    async def _send_all(
        self, producing: asyncio.Task[None], watching: asyncio.Task[None], send: Send
    ) -> None:
        while self._pending or not producing.done():
            if not self._pending:
                await self._wait(self._keep_alive_s)
            if watching.done():
                return
            if self._pending or not producing.done():
                await send(self._next())
        await send({"type": "http.response.body", "body": self._last(producing)})

    def _last(self, producing: asyncio.Task[None]) -> bytes:
        """The last frames: those of the error that ended the production, if one did."""
        try:
            producing.result()
            return b""
        except GatewayError as error:
            ours = error
        except Exception as error:
            ours = unexpected(error)
        record(ours)
        return self._error_frames(ours)

    def _next(self) -> Message:
        """The next part of the body: what is pending, or else a sign of life."""
        self._news.clear()
        body = bytes(self._pending) or self._keep_alive
        self._pending.clear()
        return {"type": "http.response.body", "body": body, "more_body": True}

    async def _wait(self, timeout_s: float) -> None:
        """Waits for a frame, the end or a hang-up, but no longer than `timeout_s`."""
        timer = asyncio.get_running_loop().call_later(timeout_s, self._news.set)
        try:
            await self._news.wait()
        finally:
            timer.cancel()
        self._news.clear()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
