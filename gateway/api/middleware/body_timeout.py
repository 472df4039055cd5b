"""Limits the time in which a request's body arrives."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.admission.admission import Admission
from gateway.api.errors import response
from gateway.errors import BodyTimedOut, ShuttingDown


class BodyTimeout:
    """Returns 408 and closes the connection if the body takes longer than `timeout_s` seconds.

    Returns 503 if the gateway shuts down before the body has arrived. It encloses every middleware
    that reads a body, also to reject it.
    """

    def __init__(self, app: ASGIApp, timeout_s: float, admission: Admission):
        self._app = app
        self._timeout_s = timeout_s
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, self._limited(receive), send)
        except (BodyTimedOut, ShuttingDown) as error:
            await response(error, scope["path"])(scope, receive, send)

    def _limited(self, receive: Receive) -> Receive:
        """Returns a `receive` that raises BodyTimedOut or ShuttingDown while the body arrives."""
        deadline_s = asyncio.get_running_loop().time() + self._timeout_s
        is_complete = False

        async def limited() -> Message:
            nonlocal is_complete
            if is_complete:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline_s) as timeout:
                    with self._admission.arriving(timeout):
                        message = await receive()
            except TimeoutError:
                if self._admission.is_closed:
                    raise ShuttingDown() from None
                raise BodyTimedOut(self._timeout_s) from None
            is_complete = not message.get("more_body", False)
            return message

        return limited
