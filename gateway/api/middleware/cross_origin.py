"""Rejects what a web page of another origin sends: a browser sends it without asking the gateway.

The rules are those of Go's `http.CrossOriginProtection`:
https://pkg.go.dev/net/http#CrossOriginProtection
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.middleware.reject import reject
from gateway.errors import Forbidden

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")  # without effects; browsers withhold their answers


class CrossOrigin:
    """Returns 403 for a POST or DELETE of a web page whose origin is not in `origins`.

    Only browsers send the headers that are checked, so other clients pass.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...] = ()):
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            try:
                check_origin(Headers(scope=scope), self._origins)
            except Forbidden as error:
                await reject(error, scope, receive, send)
                return
        await self._app(scope, receive, send)


def check_origin(headers: Headers, allowed: tuple[str, ...]) -> None:
    """Raises Forbidden for the headers of a web page whose origin is not in `allowed`."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin in allowed or "*" in allowed:
        return
    if site is None:  # no browser, one from before 2023, or a gateway reached by plain HTTP
        if origin is None or _netloc(origin) == headers.get("host"):
            return
    elif site in ("same-origin", "none"):
        return
    raise Forbidden(
        f"web pages of the origin {(origin or 'null')[:100]!r} are not allowed; add it to `cors` in"
        " models.yaml, or serve with API keys",
        code="origin_not_allowed",
    )


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
