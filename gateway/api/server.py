"""The HTTP server: its address, its connections, and its graceful shutdown."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import sys
from contextlib import suppress

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.admission.admission import Admission
from gateway.errors import ConfigError

log = logging.getLogger("gateway")

SHUTDOWN_S = 2  # to send the last events and close connections, after `grace_s`
STEP_S = 0.1
REQUEST_HEADERS_S = 20  # a client sends them at once


class Connection(H11Protocol):
    """Closes itself if the headers of a request take longer than `REQUEST_HEADERS_S`."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_timer()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _set_timer(self) -> None:
        """Starts the timer when a request begins, and stops it when its headers are complete."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(REQUEST_HEADERS_S, self.timeout_keep_alive_handler)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def http_config(app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """uvicorn's settings for `app`, which logs requests itself."""
    return uvicorn.Config(
        app, host=host, port=port, http=Connection, ws="none", access_log=False, log_config=None
    )


class Server(uvicorn.Server):
    """Shuts down gracefully at SIGTERM: running requests have `grace_s` seconds to finish.

    It keeps listening meanwhile, and rejects new requests with an error. A second Ctrl-C ends it at
    once.
    """

    def __init__(self, config: uvicorn.Config, admission: Admission, grace_s: float):
        config.timeout_graceful_shutdown = SHUTDOWN_S
        super().__init__(config)
        self._admission = admission
        self._grace_s = grace_s

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._admission.close()
        if self.server_state.tasks:
            log.info("shutting down: running requests have %g s to finish", self._grace_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace_s):
                while self.server_state.tasks and not self.force_exit:  # noqa: ASYNC110 - uvicorn has no event for it
                    await asyncio.sleep(STEP_S)
        self._admission.abort()
        await super().shutdown(sockets)
        for connection in self.server_state.connections:  # of clients that don't read
            connection.transport.abort()
        await asyncio.sleep(0)  # the event loop closes them in its next iteration


def run(app: FastAPI, host: str, port: int, grace_s: float) -> None:
    """Serve `app` until a signal."""
    server = Server(http_config(app, host, port), app.state.admission, grace_s)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)  # uvicorn has logged the reason


def check_address(host: str) -> None:
    """Raises ConfigError if other machines can reach `host`: this needs keys, or --insecure."""
    if not is_loopback(host):
        raise ConfigError(
            f"{host} can be reached from other machines, and there are no keys. Make one with"
            " `tool-gateway key NAME >> keys` and give --keys keys, or TOOL_GATEWAY_KEYS; or"
            " listen on 127.0.0.1; or let everybody in with --insecure"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
