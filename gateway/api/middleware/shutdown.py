"""Rejects new requests while the gateway shuts down."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.admission.admission import Admission
from gateway.api.middleware.reject import reject
from gateway.errors import ShuttingDown

PROBES = ("/livez", "/readyz")  # answered until the process ends


class Shutdown:
    """Returns 503 for every new request but `PROBES` once `admission` is closed."""

    def __init__(self, app: ASGIApp, admission: Admission):
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_request = scope["type"] == "http"
        if is_request and self._admission.is_closed and scope["path"] not in PROBES:
            await reject(ShuttingDown(), scope, receive, send)
        else:
            await self._app(scope, receive, send)
