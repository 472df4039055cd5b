"""Renders every error as the OpenAI API does, over HTTP and inside a stream."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gateway.errors import BadRequest, GatewayError, NotFound, ShuttingDown, Unauthorized
from gateway.observe.trace import current

log = logging.getLogger("gateway")


def envelope(error: GatewayError) -> dict[str, Any]:
    """Returns `{"error": {message, type, param, code}}`, always with all four keys."""
    current().error = error.code or error.type
    return {
        "error": {
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code,
        }
    }


def response(error: GatewayError) -> JSONResponse:
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    match error:
        case Unauthorized():
            headers["WWW-Authenticate"] = "Bearer"
        case ShuttingDown():
            headers["Connection"] = "close"
    return JSONResponse(envelope(error), error.status, headers)


def unexpected(error: Exception) -> GatewayError:
    """Logs an internal error with its traceback; returns a generic error for the client."""
    log.error("a request failed", exc_info=error)
    return GatewayError("internal error; the gateway's log has the details")


def install(app: FastAPI) -> None:
    """Makes `app` render every error this way, FastAPI's own included."""

    @app.exception_handler(GatewayError)
    async def ours(_: Request, error: GatewayError) -> JSONResponse:
        return response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return response(BadRequest(f"{where}: {first['msg']}", param=where))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        answered = response(_of_http(request, error))
        answered.status_code = error.status_code
        answered.headers.update(error.headers or {})
        return answered

    @app.exception_handler(Exception)
    async def any_other(_: Request, error: Exception) -> JSONResponse:
        return response(unexpected(error))


def _of_http(request: Request, error: HTTPException) -> GatewayError:
    where = f"{request.method} {request.url.path}"
    match error.status_code:
        case 404:
            return NotFound(f"no route {where}")
        case 405:
            takes = (error.headers or {}).get("Allow", "another method")
            return BadRequest(f"no route {where}; this path supports {takes}")
    return BadRequest(str(error.detail))
