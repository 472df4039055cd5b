"""The HTTP server: how it starts, what signals do, and its graceful shutdown."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from contextlib import AbstractContextManager, nullcontext, suppress
from types import FrameType

import uvicorn
from fastapi import FastAPI

from gateway.api.server.address import BACKLOG, url_of
from gateway.api.server.connection import Connection
from gateway.api.server.lifespan import lifespan

log = logging.getLogger("gateway")

SHUTDOWN_S = 2  # to send the last events and close connections, after `grace_s`
STEP_S = 0.1


def http_config(app: FastAPI) -> uvicorn.Config:
    """uvicorn's settings for `app`, which logs requests itself."""
    return uvicorn.Config(
        app,
        loop="asyncio",
        lifespan="off",  # `Server` runs it, so that it can fail without a traceback
        http=Connection,
        ws="none",
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


class Server(uvicorn.Server):
    """Shuts down gracefully at a signal: running requests have `grace_s` seconds to finish.

    It keeps listening meanwhile, and rejects new requests with an error. Then the signal ends the
    process, as is usual, and a second signal ends it at once. What `app` raises at its start is
    raised here.
    """

    def __init__(self, app: FastAPI, grace_s: float):
        super().__init__(http_config(app))
        self._signal: int | None = None
        self._app = app
        self._state = app.state
        self._grace_s = grace_s

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Leaves the handlers of `run`, which handle signals until the process ends."""
        return nullcontext()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            _end_by(sig)
        self.should_exit, self._signal = True, sig

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        async with lifespan(self._app):
            await super().serve(sockets)
        if self._signal is not None:  # asyncio would wait for threads, such as one that downloads
            _end_by(self._signal)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets:
            url = url_of(*sockets[0].getsockname()[:2])
            models = ", ".join(self._state.registry.config.models)
            page = "with a playground for browsers; " if self._state.playground else ""
            log.info(
                "listening at %s, %sits API is shown at %s/docs; models: %s", url, page, url, models
            )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._state.admission.close()
        self._state.registry.stop_loading()
        if self.server_state.tasks:
            log.info(
                "shutting down: running requests have %g s to finish; another signal, such as"
                " Ctrl-C, ends them at once",
                self._grace_s,
            )
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace_s):
                while self.server_state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
                    await asyncio.sleep(STEP_S)
        self._state.admission.abort()
        await super().shutdown(sockets)
        for connection in self.server_state.connections:  # of clients that don't read
            connection.transport.abort()
        await asyncio.sleep(0)  # the event loop closes them in its next iteration


def run(app: FastAPI, sockets: list[socket.socket], grace_s: float) -> None:
    """Serves `app` until a signal, which ends the process."""
    server = Server(app, grace_s)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    server.run(sockets)


def _end_by(number: int) -> None:
    """Ends the process as the signal does by default; its workers end when their pipes close."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
