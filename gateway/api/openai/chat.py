"""POST /v1/chat/completions."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.api.disconnect import begun, until_hang_up
from gateway.api.model_kind import check_writes
from gateway.api.openai.chat_body import ChatBody, read
from gateway.api.openai.chat_request import to_request
from gateway.api.openai.chat_stream import Chunks, Head, fold
from gateway.api.serving import Parts, parts_of, rendered
from gateway.chat.request import Request as Asked
from gateway.chat.request import Sampling
from gateway.generate.chat import answer
from gateway.models.registry import Registry

router = APIRouter()


@router.post("/v1/chat/completions", response_model=None)
async def complete(http: Request) -> Response:
    """Answer a conversation, with text or with calls of the tools on offer."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    body, request = await registry.serializer.run(partial(_read, data, registry), len(data))
    _, entry = registry.entry(body.model)
    head = Head(body.model)
    is_whole = not body.stream or entry.stream.tool_calls == "whole"
    write = partial(answer, request, whole=is_whole, size=len(data))
    parts = parts_of(http, body.model, write, request.answers, body.timeout_s)
    if not body.stream:
        whole = Chunks(head, request.answers, whole=True)
        return await until_hang_up(http, _completion(head, parts, whole))
    always = entry.stream.content == "always"
    chunks = Chunks(head, request.answers, whole=is_whole, always_content=always)
    wants_usage = bool(body.stream_options and body.stream_options.include_usage)
    return await begun(http, rendered(parts, chunks, wants_usage))


def _read(data: bytes, registry: Registry) -> tuple[ChatBody, Asked]:
    body = read(data, registry.config.limits)
    check_writes(registry, body.model)
    _, entry = registry.entry(body.model)
    sampling = Sampling(**entry.sampling.model_dump())
    return body, to_request(body, sampling, entry.thinking_budget, registry.config.limits)


async def _completion(head: Head, parts: Parts, chunks: Chunks) -> Response:
    all_chunks = [chunk async for chunk in rendered(parts, chunks)]
    return JSONResponse(fold(head, iter(all_chunks), chunks.usage))
