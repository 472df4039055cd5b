"""/v1/responses/{id}: read, list the input of, cancel and delete responses."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from gateway.api.responses.response_object import IN_PROGRESS
from gateway.api.responses.routes import stream_of
from gateway.api.responses.stored.background import BackgroundRuns, Run
from gateway.api.responses.stored.store import ResponseStore
from gateway.api.serving import json_response
from gateway.chat.json import Json, Object
from gateway.errors import BadRequest

router = APIRouter()

MAX_LISTED = 100  # items, as in the OpenAI API
POLL_S = 0.1


@router.get("/v1/responses/{id}", response_model=None)
async def read(
    http: Request,
    id: str,
    stream: bool = False,
    starting_after: Annotated[int, Query(ge=0)] | None = None,
) -> Response:
    """Read a stored response, or follow one in the background after the event with this number."""
    response = await _response(http, id)
    if not stream:
        return await json_response(lambda: response)
    if not (run := _run(http, id)):
        raise BadRequest(
            f"the stream of {id!r} is not kept at this gateway; read it as a whole", param="stream"
        )
    return stream_of(run, -1 if starting_after is None else starting_after)


@router.delete("/v1/responses/{id}", response_model=None)
async def delete(http: Request, id: str) -> Response:
    """Delete a stored response, and stop it if it is in progress."""
    runs: BackgroundRuns = http.app.state.runs
    if run := _run(http, id):
        await runs.delete(run)
    store = _store(http)
    await store.run(store.delete, http.state.key, id)
    return JSONResponse({"id": id, "object": "response", "deleted": True})


@router.post("/v1/responses/{id}/cancel", response_model=None)
async def cancel(http: Request, id: str) -> Response:
    """Stop a response in the background; one that is complete stays as it is."""
    if run := _run(http, id):
        await run.stop(run.renderer.cancelled)
        return JSONResponse(await _response(http, id))
    store = _store(http)
    response = await store.run(store.cancel, http.state.key, id)
    if not response["background"]:
        raise BadRequest(f"{id!r} is not in the background, so it can't be cancelled")
    while response["status"] in IN_PROGRESS:  # another gateway stops it
        await asyncio.sleep(POLL_S)
        response = await _response(http, id)
    return JSONResponse(response)


@router.get("/v1/responses/{id}/input_items", response_model=None)
async def input_items(
    http: Request,
    id: str,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 20,
    order: Literal["asc", "desc"] = "desc",
) -> Response:
    """List the items of a response's input, without those of earlier responses."""
    store = _store(http)
    items = await store.run(store.input_items, http.state.key, id)
    return await json_response(
        lambda: _page(items if order == "asc" else items[::-1], after, limit)
    )


def _page(items: list[Object], after: str | None, limit: int) -> Object:
    ids = [item["id"] for item in items]
    if after is not None and after not in ids:
        raise BadRequest(f"after: no item {after!r}", param="after")
    start = 0 if after is None else ids.index(after) + 1
    page: list[Json] = [*items[start : start + limit]]
    listed = ids[start : start + limit]
    return {
        "object": "list",
        "data": page,
        "first_id": listed[0] if listed else None,
        "last_id": listed[-1] if listed else None,
        "has_more": len(items) > start + limit,
    }


async def _response(http: Request, id: str) -> Object:
    if (run := _run(http, id)) and not run.is_kept:
        return await run.response()
    store = _store(http)
    return await store.run(store.response, http.state.key, id)


def _run(http: Request, id: str) -> Run | None:
    runs: BackgroundRuns = http.app.state.runs
    return runs.find(http.state.key, id)


def _store(http: Request) -> ResponseStore:
    store: ResponseStore = http.app.state.responses
    return store
