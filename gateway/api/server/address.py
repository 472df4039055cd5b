"""The addresses that the gateway listens on."""

from __future__ import annotations

import errno
import ipaddress
import socket
from contextlib import suppress

from gateway.errors import ConfigError

BACKLOG = 64  # connections that wait to be accepted, all of which the event loop accepts at once
PORTS = 100  # that are tried to find a free one


def listen(host: str, port: int) -> list[socket.socket]:
    """Returns a listening socket for each address of `host`; raises ConfigError.

    With port 0 the system chooses one.
    """
    try:
        return _listen(host, port)
    except OSError as error:
        raise ConfigError(_fault(error, host, port)) from error


def url_of(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host or '0.0.0.0'}:{port}"


def _listen(host: str, port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, _, _, _, (address, _, *scope) in found:
        try:
            where = (address, port, *scope)
            sockets.append(socket.create_server(where, family=family, backlog=BACKLOG))
            port = sockets[0].getsockname()[1]
        except OSError as error:
            missing = error
            if error.errno != errno.EADDRNOTAVAIL:  # such as ::1 of localhost without IPv6
                break
    if missing and (not sockets or missing.errno != errno.EADDRNOTAVAIL):
        for opened in sockets:
            opened.close()
        raise missing
    return sockets


def _fault(error: OSError, host: str, port: int) -> str:
    if isinstance(error, socket.gaierror):
        return (
            f"--host {host!r} cannot be resolved: {error.strerror}; give an address of this"
            " machine, such as 127.0.0.1"
        )
    match error.errno:
        case errno.EADDRINUSE:
            free = _next_free(host, port)
            return f"port {port} is in use{f'; --port {free} is free' if free else ''}"
        case errno.EACCES:
            return f"port {port} is reserved for administrators; give one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"--host {host} is no address of this machine; 0.0.0.0 stands for all of them"
    return f"cannot listen at {url_of(host, port)}: {error.strerror}"


def _next_free(host: str, port: int) -> int | None:
    for other in range(port + 1, min(port + PORTS, 2**16)):
        with suppress(OSError):
            for opened in _listen(host, other):
                opened.close()
            return other
    return None


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
