"""/captures: the latest requests, what the model was shown, and what it wrote."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.api import sse
from gateway.api.streaming import StreamResponse
from gateway.errors import GatewayError, NotFound
from gateway.observe.capture.capture import Capture
from gateway.observe.capture.latest import LatestCaptures

router = APIRouter()

BEGINS_S = 10  # a client may follow a request before it has sent it


@router.get("/captures", response_model=None)
async def captures(http: Request) -> Response:
    """List the latest requests, the newest first; with API keys, those of the same key."""
    found = _latest(http).of(http.state.key)
    return JSONResponse({"object": "list", "data": [capture.summary() for capture in found]})


@router.get("/captures/{id:path}/events", response_model=None)
async def events(http: Request, id: str) -> Response:
    """Follow a request, which may begin within seconds: `prompt`, `token`, `event`, then `done`."""
    found = await _latest(http).wait_for(http.state.key, id, BEGINS_S)
    if not found:
        raise _not_found(id)
    return StreamResponse(_frames(found), _error_frames, sse.KEEP_ALIVE)


@router.get("/captures/{id:path}", response_model=None)
async def capture(http: Request, id: str) -> Response:
    """Return what is recorded of a request, also while it runs; `id` is its x-request-id."""
    found = _latest(http).find(http.state.key, id)
    if not found:
        raise _not_found(id)
    return Response(msgspec.json.encode(found.document()), media_type="application/json")


async def _frames(capture: Capture) -> AsyncGenerator[bytes, None]:
    async for name, value in capture.follow():
        yield sse.event(value, name)


def _error_frames(error: GatewayError) -> bytes:
    return sse.event({"message": error.message}, "error")


def _latest(http: Request) -> LatestCaptures:
    state = http.app.state
    if not (state.playground or http.state.may_capture):
        raise NotFound(
            "requests are not captured; set `playground: true` in models.yaml, which lets each"
            " client read its own requests, or add `captures` to the line of an API key, which lets"
            " that client ask for captures",
            code="not_captured",
        )
    latest: LatestCaptures = state.captures
    return latest


def _not_found(id: str) -> NotFound:
    return NotFound(f"no capture {id!r}; the latest requests are kept, and none is after a restart")
