"""POST /v1/chat/completions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.api.asked import Parts, parts_of
from gateway.api.body import ChatBody, read
from gateway.api.chunks import Chunk, Chunks, Head, fold
from gateway.api.schema import to_request
from gateway.api.sse import EventStream
from gateway.registry import Registry
from gateway.request import Request as Asked
from gateway.request import Sampling

# Until then an error can have a status of its own. The shortest time that a known proxy waits for
# headers is Heroku's, 30 s.
HEADERS_S = 20

router = APIRouter()


@router.post("/v1/chat/completions", response_model=None)
async def complete(http: Request) -> Response:
    """Answer a conversation, with text or with calls of the tools on offer."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    body, request = await registry.desk.do(partial(_read, data, registry), len(data))
    _, entry = registry.entry(body.model)
    head = Head(body.model)
    is_whole = not body.stream or entry.stream.tool_calls == "whole"
    parts = parts_of(http, request, whole=is_whole, size=len(data), timeout_s=body.timeout_s)
    if not body.stream:
        whole = Chunks(head, request.answers, whole=True)
        return await _until_hang_up(http, _completion(head, parts, whole))
    always = entry.stream.content == "always"
    chunks = Chunks(head, request.answers, whole=is_whole, always_content=always)
    wants_usage = bool(body.stream_options and body.stream_options.include_usage)
    return await _begun(http, _stream(chunks, parts, wants_usage))


def _read(data: bytes, registry: Registry) -> tuple[ChatBody, Asked]:
    body = read(data, registry.config.limits)
    _, entry = registry.entry(body.model)
    sampling = Sampling(**entry.sampling.model_dump())
    return body, to_request(body, sampling, entry.thinking_budget)


async def _completion(head: Head, parts: Parts, chunks: Chunks) -> Response:
    async with aclosing(parts):
        all_chunks = [c async for index, part in parts for c in chunks.render(index, part)]
    return JSONResponse(fold(head, iter(all_chunks), chunks.usage))


async def _stream(chunks: Chunks, parts: Parts, wants_usage: bool) -> AsyncGenerator[Chunk, None]:
    async with aclosing(parts):
        async for index, part in parts:
            for chunk in chunks.render(index, part):
                yield chunk
    if wants_usage:
        yield chunks.usage_chunk()


async def _begun(http: Request, stream: AsyncGenerator[Chunk, None]) -> Response:
    """The response, when `stream` has its first chunk, or has kept its client waiting for long."""
    first = asyncio.ensure_future(anext(stream))
    try:
        is_there = await _is_there(http, first, HEADERS_S)
        if first.done():
            first.result()
        return EventStream(first, stream) if is_there else _given_up(first)
    except BaseException:
        first.cancel()
        raise


async def _until_hang_up(http: Request, work: Coroutine[None, None, Response]) -> Response:
    """Do `work`, but drop it when the client is gone."""
    working = asyncio.create_task(work)
    try:
        return await working if await _is_there(http, working) else _given_up(working)
    finally:
        working.cancel()


async def _is_there(
    http: Request, working: asyncio.Future[Any], timeout_s: float | None = None
) -> bool:
    """Wait for `working`, or for so long; whether the client is there still."""
    watching = asyncio.create_task(_hang_up(http))
    try:
        one = asyncio.FIRST_COMPLETED
        await asyncio.wait({working, watching}, timeout=timeout_s, return_when=one)
        return working.done() or not watching.done()
    finally:
        watching.cancel()


def _given_up(working: asyncio.Future[Any]) -> Response:
    working.cancel()
    return Response(status_code=499)


async def _hang_up(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
