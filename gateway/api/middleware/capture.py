"""Captures the requests that ask a model."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.errors import internal_error, record
from gateway.api.middleware.auth import secret_of
from gateway.observe.capture.capture import Capture
from gateway.observe.capture.folder import CaptureFolder
from gateway.observe.capture.latest import LatestCaptures
from gateway.observe.trace import current

JSON = "application/json"


class CaptureRequests:
    """Records each POST request, and hands its capture to `latest` and to `folder`.

    The innermost middleware: a request without a valid key is not recorded. The body arrives in one
    message.
    """

    def __init__(self, app: ASGIApp, latest: LatestCaptures | None, folder: CaptureFolder | None):
        self._app = app
        self._latest = latest
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        capture = self._begin(scope)
        try:
            await self._app(scope, _receiving(capture, receive), _sending(capture, send))
        except Exception:  # the response comes from further out
            error = internal_error()
            capture.status = capture.status or error.status
            record(error)
            raise
        finally:
            await capture.release()

    def _begin(self, scope: Scope) -> Capture:
        trace = current()
        capture = Capture(
            trace.id,
            scope["path"],
            owner=scope["state"]["key"],
            secret=secret_of(Headers(scope=scope)),
            finished=self._finish,
        )
        capture.hold()
        capture.timings = trace.timings
        trace.capture = capture
        if self._latest:
            self._latest.add(capture)
        return capture

    async def _finish(self, capture: Capture) -> None:
        if capture.is_empty:
            if self._latest:
                self._latest.remove(capture)
            return
        document = await capture.freeze()
        if self._latest:
            self._latest.finish(capture, len(document))
        if self._folder:
            await asyncio.to_thread(self._folder.write, capture, document)


def _receiving(capture: Capture, receive: Receive) -> Receive:
    async def receiving() -> Message:
        message = await receive()
        capture.body += message.get("body", b"")
        return message

    return receiving


def _sending(capture: Capture, send: Send) -> Send:
    """Records the status, and the body if it is JSON; of a stream there are the events."""
    is_json = False

    async def sending(message: Message) -> None:
        nonlocal is_json
        if message["type"] == "http.response.start":
            capture.status = message["status"]
            is_json = Headers(raw=message["headers"]).get("content-type", "").startswith(JSON)
        elif is_json:
            capture.response += message.get("body", b"")
        await send(message)

    return sending
