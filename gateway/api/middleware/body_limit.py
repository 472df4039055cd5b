"""Limits the size of request bodies."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.errors import response
from gateway.errors import TooLarge


class BodyLimit:
    """Reads the whole body, and returns 413 if it is longer than `max_bytes`."""

    def __init__(self, app: ASGIApp, max_bytes: int):
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            chunk = message.get("body", b"")
            size += len(chunk)
            # A client that is still sending doesn't read, so all is read, but not all is kept.
            body.append(chunk if size <= self._max_bytes else b"")
            more = message.get("more_body", False)
        if size > self._max_bytes:
            error = TooLarge(
                f"the body has {size} bytes; `limits.body_mb` in models.yaml allows"
                f" {self._max_bytes}"
            )
            await response(error, scope["path"])(scope, receive, send)
            return
        await self._app(scope, _replay(b"".join(body), receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Returns a `receive` that gives the whole body first, then what `receive` gives."""
    was_given = False

    async def replay() -> Message:
        nonlocal was_given
        if was_given:
            return await receive()
        was_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
