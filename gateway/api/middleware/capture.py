"""Captures the requests that ask a model."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.errors import internal_error, record
from gateway.api.middleware.auth import secret_of
from gateway.api.middleware.reject import reject
from gateway.errors import Forbidden
from gateway.observe.capture.capture import Capture
from gateway.observe.capture.folder import CaptureFolder
from gateway.observe.capture.latest import LatestCaptures
from gateway.observe.trace import current

JSON = "application/json"
HEADER = "x-capture"  # of a request: that it be captured; of its response: where its capture is
OFF = ("", "0", "false")


class CaptureRequests:
    """Records POST requests, and hands their captures to `latest` and to `folder`.

    With `keeps_all`, all are kept in `latest`; otherwise those that ask for it, if their key may.
    Every one goes to `folder`.

    The innermost middleware: a request without a valid key is not recorded. The body arrives in one
    message.
    """

    def __init__(
        self, app: ASGIApp, latest: LatestCaptures, folder: CaptureFolder | None, *, keeps_all: bool
    ):
        self._app = app
        self._latest = latest
        self._folder = folder
        self._keeps_all = keeps_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        is_asked_for = Headers(scope=scope).get(HEADER, "").lower() not in OFF
        if is_asked_for and not (self._keeps_all or scope["state"]["may_capture"]):
            await reject(_not_allowed(scope["state"]["key"]), scope, receive, send)
            return
        is_kept = self._keeps_all or is_asked_for
        if not (is_kept or self._folder):
            await self._app(scope, receive, send)
            return
        capture = self._begin(scope, is_kept=is_kept, is_asked_for=is_asked_for)
        try:
            await self._app(scope, _receiving(capture, receive), _sending(capture, send))
        except Exception:  # the response comes from further out
            error = internal_error()
            capture.status = capture.status or error.status
            record(error)
            raise
        finally:
            await capture.release()

    def _begin(self, scope: Scope, *, is_kept: bool, is_asked_for: bool) -> Capture:
        trace = current()
        capture = Capture(
            trace.id,
            scope["path"],
            owner=scope["state"]["key"],
            secret=secret_of(Headers(scope=scope)),
            is_asked_for=is_asked_for,
            finished=self._finish,
        )
        capture.hold()
        capture.timings = trace.timings
        trace.capture = capture
        if is_kept:
            self._latest.add(capture)
        return capture

    async def _finish(self, capture: Capture) -> None:
        if capture.is_empty and not capture.is_asked_for:
            self._latest.remove(capture)
            return
        document = await capture.freeze()
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
    """Records the status, and the body if it is JSON; of a stream there are the events.

    A response whose request asked for its capture says where that is.
    """
    is_json = False

    async def sending(message: Message) -> None:
        nonlocal is_json
        if message["type"] == "http.response.start":
            capture.status = message["status"]
            headers = MutableHeaders(scope=message)
            is_json = headers.get("content-type", "").startswith(JSON)
            if capture.is_asked_for:
                headers[HEADER] = f"/captures/{capture.id}"
        elif is_json:
            capture.response += message.get("body", b"")
        await send(message)

    return sending


def _not_allowed(key: str) -> Forbidden:
    cure = (
        f"add `captures` to the line of the key {key!r} in the key file, or set" if key else "set"
    )
    return Forbidden(
        f"this request may not be captured; {cure} `playground: true` in models.yaml, or send no"
        f" `{HEADER}`",
        code="capture_not_allowed",
    )
