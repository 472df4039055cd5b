"""Limits the time in which a request's body arrives."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.errors import response
from gateway.errors import BodyTimedOut


class BodyTimeout:
    """Returns 408 and closes the connection if the body takes longer than `timeout_s` seconds.

    It encloses every middleware that reads a body, also to reject it.
    """

    def __init__(self, app: ASGIApp, timeout_s: float):
        self._app = app
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, _limited(receive, self._timeout_s), send)
        except BodyTimedOut as error:
            await response(error, scope["path"])(scope, receive, send)


def _limited(receive: Receive, timeout_s: float) -> Receive:
    """Returns a `receive` that raises BodyTimedOut if the body is not complete in time."""
    deadline_s = asyncio.get_running_loop().time() + timeout_s
    is_complete = False

    async def limited() -> Message:
        nonlocal is_complete
        if is_complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline_s):
                message = await receive()
        except TimeoutError:
            raise BodyTimedOut(timeout_s) from None
        is_complete = not message.get("more_body", False)
        return message

    return limited
