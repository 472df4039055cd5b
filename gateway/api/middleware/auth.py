"""Authenticates requests by API key, and applies the key's rate limit."""

from __future__ import annotations

import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.admission.api_keys import Key, find_key
from gateway.admission.key_ring import KeyRing
from gateway.admission.rate_limit import RateLimit
from gateway.api.middleware.cross_origin import SAFE_METHODS
from gateway.api.middleware.reject import reject
from gateway.api.middleware.shutdown import PROBES
from gateway.errors import GatewayError, Unauthorized
from gateway.observe.trace import current

PUBLIC_PATHS = ("/", "/health", *PROBES)  # these need no key
# Nor do pages, since a browser sends none: they are the same everywhere, and the playground asks.
PUBLIC_PAGES = ("/docs", "/openapi.json", "/playground")


class ApiKeys:
    """Returns 401 for a request without a key of `keys`, and 429 if its key is over a limit.

    Without `keys` every request passes. A request that only reads, as monitoring does, counts
    towards no limit. The request's state gets `key`, the name of the key, `may_capture`, whether
    that key allows captures, and `is_anonymous`, which is true without a key if there are keys, as
    for a public path.
    """

    def __init__(self, app: ASGIApp, keys: KeyRing):
        self._app = app
        self._keys = keys
        self._unlimited = RateLimit()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limits = self._keys.limits
        key = find_key(limits, secret_of(Headers(scope=scope))) if limits else None
        try:
            limit = self._limit(key, scope["path"])
            counts = scope["method"] not in SAFE_METHODS
            acquired = limit.acquire(time.monotonic()) if counts else None
        except GatewayError as error:
            await reject(error, scope, receive, send)
            return
        is_anonymous = bool(limits) and key is None
        scope.setdefault("state", {}).update(
            key=limit.name,
            may_capture=key is not None and key.captures,
            is_anonymous=is_anonymous,
        )
        address, _ = scope.get("client") or ("", 0)
        current().client = limit.name or address
        try:
            await self._app(scope, receive, send)
        finally:
            if acquired:
                limit.release(acquired, time.monotonic())

    def _limit(self, key: Key | None, path: str) -> RateLimit:
        if not self._keys.limits or _is_public(path):
            return self._unlimited
        if key is None:
            raise Unauthorized(
                "missing or unknown API key; send `Authorization: Bearer KEY` with one of this"
                " gateway's keys"
            )
        return self._keys.limits[key]


def _is_public(path: str) -> bool:
    is_page = any(path == page or path.startswith(f"{page}/") for page in PUBLIC_PAGES)
    return path in PUBLIC_PATHS or is_page


def secret_of(headers: Headers) -> str:
    """The key that a client sends; Anthropic's clients send it in a header of their own."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
