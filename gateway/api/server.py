"""The HTTP server: where it may listen, and how it comes to an end."""

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

FAREWELL_S = 2  # to send the last events, and to close connections
STEP_S = 0.1


class Server(uvicorn.Server):
    """At SIGTERM it turns new requests away and lets those that run finish, for `grace_s`.

    It goes on listening meanwhile, so that whoever comes is told. Ctrl-C a second time ends it.
    """

    def __init__(self, config: uvicorn.Config, admission: Admission, grace_s: float):
        config.timeout_graceful_shutdown = FAREWELL_S
        super().__init__(config)
        self._admission = admission
        self._grace_s = grace_s

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._admission.close()
        if self.server_state.tasks:
            log.info("stopping: requests that run have %g s to finish", self._grace_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._grace_s):
                while self.server_state.tasks and not self.force_exit:  # noqa: ASYNC110 - uvicorn tells nobody
                    await asyncio.sleep(STEP_S)
        self._admission.abort()
        await super().shutdown(sockets)
        for connection in self.server_state.connections:  # whose clients don't read
            connection.transport.abort()
        await asyncio.sleep(0)  # aborted ones are closed in the loop's next turn


def run(app: FastAPI, host: str, port: int, grace_s: float) -> None:
    """Serve `app` until a signal ends it."""
    config = uvicorn.Config(app, host=host, port=port, access_log=False, log_config=None)
    server = Server(config, app.state.admission, grace_s)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)  # uvicorn has told why


def check_address(host: str) -> None:
    """Raise ConfigError if others than this machine can reach `host`."""
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
