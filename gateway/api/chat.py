"""POST /v1/chat/completions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from functools import partial
from typing import TypeAlias

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.answer import Part, answer
from gateway.api.body import ChatBody, read
from gateway.api.chunks import Chunk, Chunks, Head, fold
from gateway.api.entry import check_writes
from gateway.api.schema import to_request
from gateway.api.sse import EventStream
from gateway.registry import Registry
from gateway.request import Request as Asked
from gateway.request import Sampling

Parts: TypeAlias = AsyncGenerator[tuple[int, Part], None]

router = APIRouter()


@router.post("/v1/chat/completions", response_model=None)
async def complete(http: Request) -> Response:
    """Answer a conversation, with text or with calls of the tools on offer."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    body, request = await registry.desk.do(partial(_read, data, registry), len(data))
    model = await registry.get(body.model)
    head = Head(body.model)
    if not body.stream:
        parts = answer(request, model, whole=True, size=len(data))
        whole = Chunks(head, request.answers, whole=True)
        return await until_hang_up(http, _completion(head, parts, whole))
    is_whole = model.entry.stream.tool_calls == "whole"
    always = model.entry.stream.content == "always"
    chunks = Chunks(head, request.answers, whole=is_whole, always_content=always)
    wants_usage = bool(body.stream_options and body.stream_options.include_usage)
    parts = answer(request, model, whole=is_whole, size=len(data))
    stream = _stream(chunks, parts, wants_usage)
    # Wait for the first chunk: until then an error can still have a status of its own.
    return EventStream(await anext(stream), stream)


def _read(data: bytes, registry: Registry) -> tuple[ChatBody, Asked]:
    body = read(data)
    check_writes(registry, body.model)
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


async def until_hang_up(http: Request, work: Coroutine[None, None, Response]) -> Response:
    """Do `work`, but drop it when the client is gone."""
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_hang_up(http))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else Response(status_code=499)
    finally:
        working.cancel()
        watching.cancel()


async def _hang_up(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
