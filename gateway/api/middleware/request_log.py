"""Gives each request an id, counts it, and logs one line for it."""

from __future__ import annotations

import logging
import re
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.errors import response, unexpected
from gateway.api.middleware.auth import PUBLIC_PATHS
from gateway.api.streaming import CLIENT_CLOSED_REQUEST
from gateway.observe.metrics import Metrics
from gateway.observe.spans import Spans, trace_id
from gateway.observe.trace import Trace, follow, request_id

REQUEST_ID = "x-request-id"
ANTHROPIC_REQUEST_ID = "request-id"
IGNORED_FIELDS = "x-ignored-fields"
FIELD_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # others may be unsafe in a header
MAX_IGNORED = 32
OTHER = "other"  # the route of a path that has none
MAX_PATH = 200
QUIET_ROUTES = ("/metrics", *PUBLIC_PATHS)  # polled every few seconds; logged at debug level

log = logging.getLogger("gateway.requests")


class RequestLog:
    """The outermost middleware: it also turns unexpected exceptions into responses.

    With `log_prompts`, prompts and answers are logged.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, spans: Spans, log_prompts: bool = False):
        self._app = app
        self._metrics = metrics
        self._spans = spans
        self._log_prompts = log_prompts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        id = request_id(headers.get(REQUEST_ID, ""))
        trace = Trace(id, scope["method"], self._log_prompts, trace_id=trace_id(headers))
        follow(trace)
        sending = _traced(trace, send)
        try:
            with self._metrics.under_way.track_inprogress():
                await self._app(scope, receive, sending)
        except Exception as error:
            answer = response(unexpected(error), scope["path"])
            if trace.status:
                raise
            await answer(scope, receive, sending)
        finally:
            trace.duration_s = time.monotonic() - trace.start_s
            trace.route = getattr(scope.get("route"), "path", OTHER)
            if trace.route == OTHER:
                trace.path = repr(scope["path"][:MAX_PATH])[1:-1]  # a client chose it
            trace.status = trace.status or CLIENT_CLOSED_REQUEST
            self._metrics.served(trace)
            self._spans.export(trace)
            _log(trace)


def _traced(trace: Trace, send: Send) -> Send:
    """Adds the request's id and its ignored fields to the headers, and records the status."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            trace.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.update({REQUEST_ID: trace.id, ANTHROPIC_REQUEST_ID: trace.id})
            if ignored := list(filter(FIELD_NAME.fullmatch, trace.ignored_fields)):
                headers[IGNORED_FIELDS] = ", ".join(ignored[:MAX_IGNORED])
        await send(message)

    return sending


def _log(trace: Trace) -> None:
    level = logging.DEBUG if trace.route in QUIET_ROUTES and not trace.error else logging.INFO
    if log.isEnabledFor(level):
        what = f"{trace.method} {trace.route} {trace.status}"
        log.log(level, what, extra=trace.fields())
