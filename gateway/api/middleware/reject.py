"""Rejects a request before its body is read."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from gateway.api.errors import response
from gateway.errors import GatewayError


async def reject(error: GatewayError, scope: Scope, receive: Receive, send: Send) -> None:
    """Sends `error` as the response, after the whole body has arrived.

    A client that is still sending its body does not read a response.
    """
    while (await receive()).get("more_body", False):
        pass
    await response(error, scope["path"])(scope, receive, send)
