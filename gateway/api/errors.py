"""One renderer for every error: the OpenAI envelope, over HTTP and inside a stream."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gateway.errors import BadRequest, GatewayError, NotFound

log = logging.getLogger("gateway")

RETRY_AFTER_S = 1


def envelope(error: GatewayError) -> dict[str, Any]:
    """`{"error": {message, type, param, code}}`, all four keys, always."""
    return {
        "error": {
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code,
        }
    }


def response(error: GatewayError) -> JSONResponse:
    headers = {"Retry-After": str(RETRY_AFTER_S)} if error.status == 503 else None
    return JSONResponse(envelope(error), error.status, headers)


def unexpected(error: Exception) -> GatewayError:
    """A fault of ours: the log has it whole, the client is told that much."""
    log.error("a request failed", exc_info=error)
    return GatewayError("the gateway failed on this request; its log says why")


def install(app: FastAPI) -> None:
    """Let `app` answer every error in the envelope, FastAPI's own included."""

    @app.exception_handler(GatewayError)
    async def ours(_: Request, error: GatewayError) -> JSONResponse:
        return response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return response(_of_validation(error))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        told = _of_http(request, error)
        answered = response(told)
        answered.status_code = error.status_code
        return answered

    @app.exception_handler(Exception)
    async def any_other(_: Request, error: Exception) -> JSONResponse:
        return response(unexpected(error))


def _of_http(request: Request, error: HTTPException) -> GatewayError:
    where = f"{request.method} {request.url.path}"
    match error.status_code:
        case 404:
            return NotFound(f"there is no {where}")
        case 405:
            return BadRequest(f"{where}: this path takes another method")
    return BadRequest(str(error.detail))


def _of_validation(error: RequestValidationError) -> BadRequest:
    """The first thing that is wrong, with its path in the body."""
    first = error.errors()[0]
    path = [str(step) for step in first["loc"] if step != "body"]
    if first["type"] == "json_invalid":
        return BadRequest(f"the body is not JSON: {first['ctx']['error']} at {path[-1]}")
    where = ".".join(path)
    return BadRequest(f"{where or 'the body'}: {first['msg']}", param=where or None)
