"""POST /v1/chat/completions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import TypeAlias

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.answer import Part, answer
from gateway.api.chunks import Chunk, Chunks, Head, fold
from gateway.api.schema import ChatBody, to_request
from gateway.api.sse import event_stream
from gateway.registry import Registry
from gateway.request import Sampling

Parts: TypeAlias = AsyncGenerator[tuple[int, Part], None]

router = APIRouter()


@router.post("/v1/chat/completions", response_model=None)
async def complete(body: ChatBody, http: Request) -> Response:
    """Answer a conversation, with text or with calls of the tools on offer."""
    registry: Registry = http.app.state.registry
    _, entry = registry.entry(body.model)
    request = to_request(body, Sampling(**entry.sampling.model_dump()))
    model = await registry.get(body.model)
    head = Head(body.model)
    if not body.stream:
        parts = answer(request, model, whole=True)
        whole = Chunks(head, request.answers, whole=True)
        return await _until_hang_up(http, _completion(head, parts, whole))
    is_whole = entry.stream.tool_calls == "whole"
    parts = answer(request, model, whole=is_whole)
    chunks = Chunks(
        head,
        request.answers,
        whole=is_whole,
        always_content=entry.stream.content == "always",
    )
    # Wait for the first part: until then an error can still have a status of its own.
    first = await anext(parts)
    wants_usage = body.stream_options is not None and body.stream_options.include_usage
    return event_stream(_stream(chunks, first, parts, wants_usage))


async def _completion(head: Head, parts: Parts, chunks: Chunks) -> Response:
    async with aclosing(parts):
        all_chunks = [c async for index, part in parts for c in chunks.render(index, part)]
    return JSONResponse(fold(head, iter(all_chunks), chunks.usage))


async def _stream(
    chunks: Chunks, first: tuple[int, Part], parts: Parts, wants_usage: bool
) -> AsyncGenerator[Chunk, None]:
    async with aclosing(parts):
        for chunk in chunks.render(*first):
            yield chunk
        async for index, part in parts:
            for chunk in chunks.render(index, part):
                yield chunk
    if wants_usage:
        yield chunks.usage_chunk()


async def _until_hang_up(http: Request, work: Awaitable[Response]) -> Response:
    """Do `work`, but drop it when the client is gone."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_hang_up(http))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else Response(status_code=499)
    finally:
        working.cancel()
        watching.cancel()


async def _hang_up(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
