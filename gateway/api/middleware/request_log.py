"""Follows each request: gives it an id, counts it, and writes its line into the log."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.errors import response, unexpected
from gateway.observe.metrics import Metrics
from gateway.observe.trace import Trace, follow, request_id

ID = "x-request-id"
HUNG_UP = 499  # nginx's number for a client that is gone before it is answered
QUIET = ("/metrics", "/health")  # asked for every few seconds, by machines

log = logging.getLogger("gateway.requests")


class Tracing:
    """The outermost layer: what goes wrong anywhere below is answered and told here.

    `log_prompts` has prompts and answers in the log.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, log_prompts: bool = False):
        self._app = app
        self._metrics = metrics
        self._log_prompts = log_prompts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id = request_id(Headers(scope=scope).get(ID, ""))
        trace = Trace(id, scope["method"], self._log_prompts)
        follow(trace)
        sending = _identified(trace, send)
        try:
            with self._metrics.under_way.track_inprogress():
                await self._app(scope, receive, sending)
        except Exception as error:
            answer = response(unexpected(error))
            if trace.status:
                raise
            await answer(scope, receive, sending)
        finally:
            trace.duration_s = time.monotonic() - trace.start_s
            trace.route = getattr(scope.get("route"), "path", "other")
            trace.status = trace.status or HUNG_UP
            self._metrics.served(trace)
            _tell(trace)


def _identified(trace: Trace, send: Send) -> Send:
    """Sends on, with the id in the headers, and takes down the status."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            trace.status = message["status"]
            MutableHeaders(scope=message)[ID] = trace.id
        await send(message)

    return sending


def _tell(trace: Trace) -> None:
    level = logging.DEBUG if trace.route in QUIET and trace.status < 400 else logging.INFO
    if log.isEnabledFor(level):
        what = f"{trace.method} {trace.route} {trace.status}"
        log.log(level, what, extra=trace.fields())
