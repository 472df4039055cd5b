"""A bound on the size of a body, before anything reads it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.errors import response
from gateway.errors import TooLarge


class BodyLimit:
    """Answers 413 to a body that is too large, having read it to its end."""

    def __init__(self, app: ASGIApp, most_bytes: int):
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            piece = message.get("body", b"")
            size += len(piece)
            # A client that is still sending does not read: take all, keep what may be kept.
            body.append(piece if size <= self._most_bytes else b"")
            more = message.get("more_body", False)
        if size > self._most_bytes:
            error = TooLarge(
                f"the body has {size} bytes; `limits.body_mb` in models.yaml lets in"
                f" {self._most_bytes}"
            )
            await response(error)(scope, receive, send)
            return
        await self._app(scope, _replay(b"".join(body), receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the whole body at once, then whatever comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
