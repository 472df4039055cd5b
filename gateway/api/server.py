"""The HTTP server: its address, and its graceful shutdown."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import sys
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from gateway.admission.admission import Admission
from gateway.errors import ConfigError

log = logging.getLogger("gateway")

SHUTDOWN_S = 2  # to send the last events and close connections, after `grace_s`
STEP_S = 0.1


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
    config = uvicorn.Config(app, host=host, port=port, access_log=False, log_config=None)
    server = Server(config, app.state.admission, grace_s)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)  # uvicorn has logged the reason


def check_address(host: str) -> None:
    """Raises ConfigError if other machines can reach `host`: this needs keys, or --insecure."""
    if not _is_loopback(host):
        raise ConfigError(
            f"{host} can be reached from other machines, and there are no keys. Make one with"
            " `tool-gateway key NAME >> keys` and give --keys keys, or TOOL_GATEWAY_KEYS; or"
            " listen on 127.0.0.1; or let everybody in with --insecure"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
