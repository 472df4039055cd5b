"""Prevents DNS rebinding: rejects requests for host names that may not be the gateway's."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.middleware.reject import reject
from gateway.errors import Forbidden


class AllowedHosts:
    """Returns 403 for a `Host` other than localhost, an IP address and `hosts`."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] = ()):
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                check_host(Headers(scope=scope).get("host", "localhost"), self._hosts)
            except Forbidden as error:
                await reject(error, scope, receive, send)
                return
        await self._app(scope, receive, send)


def check_host(host: str, allowed: tuple[str, ...]) -> None:
    """Raises Forbidden for a host name that is not in `allowed`.

    The owner of a domain can point it at 127.0.0.1, and a browser then lets the domain's pages
    read what the gateway answers. An IP address always means itself.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        name = ""
    if name == "localhost" or name.endswith(".localhost") or name in allowed or _is_address(name):
        return
    raise Forbidden(
        f"host {host[:100]!r} is not allowed; add it to `hosts` in models.yaml, or serve with"
        " API keys",
        code="host_not_allowed",
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
