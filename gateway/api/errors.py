"""Renders every error as the API does that its path belongs to: OpenAI's, or another dialect's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gateway.api.anthropic import errors as anthropic
from gateway.api.ollama import errors as ollama
from gateway.chat.json import Object
from gateway.errors import (
    BadRequest,
    BodyTimedOut,
    GatewayError,
    NotFound,
    ShuttingDown,
    Unauthorized,
)
from gateway.observe.trace import current

log = logging.getLogger("gateway")

T = TypeVar("T")


def envelope(error: GatewayError) -> Object:
    """Returns OpenAI's `{"error": {message, type, param, code}}`, always with all four keys."""
    return {"error": _fields(error)}


def _fields(error: GatewayError) -> Object:
    return {
        "message": error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }


# The paths of the dialects that have an envelope of their own.
ENVELOPES: dict[str, Callable[[GatewayError], Object]] = {
    "/v1/messages": anthropic.envelope,
    "/api/": ollama.envelope,
}


def for_path(path: str, of_dialects: Mapping[str, T]) -> T | None:
    """Returns what the dialect of `path` has; the keys are the beginnings of paths."""
    return next((own for start, own in of_dialects.items() if path.startswith(start)), None)


def record(error: GatewayError) -> None:
    """Notes the error in the request's trace."""
    trace = current()
    trace.error = error.code or error.type
    if trace.capture:
        trace.capture.error = _fields(error)


def response(error: GatewayError, path: str) -> JSONResponse:
    """Returns the response to a request for `path`, and records the error."""
    record(error)
    enveloped = for_path(path, ENVELOPES) or envelope
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    match error:
        case Unauthorized():
            headers["WWW-Authenticate"] = "Bearer"
        case ShuttingDown() | BodyTimedOut():
            headers["Connection"] = "close"
    return JSONResponse(enveloped(error), error.status, headers)


def unexpected(error: Exception) -> GatewayError:
    """Logs an internal error with its traceback; returns a generic error for the client."""
    log.error("a request failed", exc_info=error)
    return internal_error()


def internal_error() -> GatewayError:
    """Returns what a client is told of an internal error."""
    return GatewayError("internal error; the gateway's log has the details")


def install(app: FastAPI) -> None:
    """Makes `app` render every error this way, FastAPI's own included."""

    @app.exception_handler(GatewayError)
    async def ours(request: Request, error: GatewayError) -> JSONResponse:
        return response(error, request.url.path)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return response(BadRequest(f"{where}: {first['msg']}", param=where), request.url.path)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        answered = response(_of_http(request, error), request.url.path)
        answered.status_code = error.status_code
        answered.headers.update(error.headers or {})
        return answered

    @app.exception_handler(Exception)
    async def any_other(request: Request, error: Exception) -> JSONResponse:
        return response(unexpected(error), request.url.path)


def _hint(request: Request) -> str:
    """Names the path that was meant, if it has `/v1` too few or too many."""
    path, paths = request.url.path, request.app.openapi()["paths"]
    for meant in (f"/v1{path}", path.removeprefix("/v1")):
        if meant != path and meant in paths:
            return f"; did you mean {meant}? Correct the client's base URL"
    return ""


def _of_http(request: Request, error: HTTPException) -> GatewayError:
    where = f"{request.method} {request.url.path}"
    match error.status_code:
        case 404:
            return NotFound(f"no route {where}{_hint(request)}")
        case 405:
            takes = (error.headers or {}).get("Allow", "another method")
            return BadRequest(f"no route {where}; this path supports {takes}")
    return BadRequest(str(error.detail))
