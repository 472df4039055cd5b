"""Who may come in: asked before anything of a request's body is kept, on every path alike."""

from __future__ import annotations

import ipaddress
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.admission.admission import Admission
from gateway.admission.api_keys import Key, find_key
from gateway.admission.rate_limit import RateLimit
from gateway.api.errors import response
from gateway.errors import Forbidden, GatewayError, ShuttingDown, Unauthorized

OPEN = "/health"  # the one path that needs no key


class Door:
    """Turns away who has no key, or has used up what it allows; and all, at the end.

    Without `keys` it turns away who came by a name that is not the gateway's. Who is let in has
    the name of the key in the request's state, and whether it is a stranger: at `OPEN`.
    """

    def __init__(
        self,
        app: ASGIApp,
        admission: Admission,
        keys: tuple[Key, ...] = (),
        hosts: tuple[str, ...] = (),
    ):
        self._app = app
        self._admission = admission
        self._allowances = {key: RateLimit(key) for key in keys}
        self._any = RateLimit()
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            allowance = self._allowance(scope["path"], headers)
            ticket = allowance.acquire(time.monotonic())
        except GatewayError as error:
            await _read_to_its_end(receive)
            await response(error)(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state.update(key=allowance.name, is_stranger=self._is_stranger(allowance, headers))
        try:
            await self._app(scope, receive, send)
        finally:
            allowance.release(ticket, time.monotonic())

    def _allowance(self, path: str, headers: Headers) -> RateLimit:
        if self._admission.is_closed:
            raise ShuttingDown()
        if not self._allowances:
            check_host(headers.get("host", "localhost"), self._hosts)
        if not self._allowances or path == OPEN:
            return self._any
        if key := find_key(self._allowances, _secret(headers)):
            return self._allowances[key]
        raise Unauthorized(
            "there is no such API key; send one of this gateway's as `Authorization: Bearer KEY`"
        )

    def _is_stranger(self, allowance: RateLimit, headers: Headers) -> bool:
        """Whether it is somebody without a key, where others have one."""
        is_any = bool(self._allowances) and allowance is self._any
        return is_any and find_key(self._allowances, _secret(headers)) is None


def check_host(host: str, known: tuple[str, ...]) -> None:
    """Raise Forbidden for a name that may be another's, whose page a browser would let in.

    A name's owner can let it mean 127.0.0.1 at any time, and then reads what the gateway answers.
    An address means only itself.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        name = ""
    if name == "localhost" or name.endswith(".localhost") or name in known or _is_address(name):
        return
    raise Forbidden(
        f"{host[:100]!r} is no name of this gateway's; add it to `hosts` in models.yaml, or let"
        " clients have keys",
        code="host_not_allowed",
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _secret(headers: Headers) -> str:
    """The key that a client sends; Anthropic's clients have a header of their own for it."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


async def _read_to_its_end(receive: Receive) -> None:
    """A client that is still sending does not read."""
    while (await receive()).get("more_body", False):
        pass
