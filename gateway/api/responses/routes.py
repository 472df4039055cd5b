"""POST /v1/responses."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.api.body import read_as
from gateway.api.framing import NAMED_EVENTS
from gateway.api.responses.body import ResponseBody
from gateway.api.responses.request import ENCRYPTED_REASONING, input_items, left_out, to_request
from gateway.api.responses.response_object import ResponseObject
from gateway.api.responses.stream import ResponseRenderer
from gateway.api.serving import Events, resolve, serve
from gateway.api.signing import Signer
from gateway.api.streaming import StreamResponse, until_disconnect
from gateway.chat.json import Object
from gateway.chat.request import Request as ChatRequest
from gateway.chat.request import Sampling
from gateway.errors import GatewayError
from gateway.generate.chat import answer
from gateway.models.model import ChatModel
from gateway.models.registry import Registry, Resolved

router = APIRouter()


@router.post("/v1/responses", response_model=None)
async def create(http: Request) -> Response:
    """Answer a conversation, with items of text, reasoning and calls of the tools on offer."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    read_body = partial(_read, data, registry, http.app.state.signer)
    body, request, (name, entry) = await registry.serializer.run(read_body, len(data))
    stream = bool(body.stream)
    whole_calls = not stream or entry.stream.tool_calls == "whole"
    generate = partial(answer, request, whole_calls=whole_calls, size=len(data))
    events = serve(http, name, generate, timeout_s=body.timeout_s)
    renderer = ResponseRenderer(
        ResponseObject(body, request, left_out(body)),
        summarizes=body.summarizes,
        signer=http.app.state.signer if body.includes(ENCRYPTED_REASONING) else None,
    )
    if not stream:
        return await until_disconnect(http, _whole(events, renderer))

    def error_frames(error: GatewayError) -> bytes:
        return b"".join(map(NAMED_EVENTS.frame, renderer.failed(error)))

    return StreamResponse(_frames(events, renderer), error_frames, NAMED_EVENTS.keep_alive)


def _read(
    data: bytes, registry: Registry, signer: Signer
) -> tuple[ResponseBody, ChatRequest, Resolved]:
    limits = registry.config.limits
    body = read_as(ResponseBody, data, "the body", limits)
    model = resolve(registry, body.model, ChatModel)
    sampling = Sampling(**model.entry.sampling.model_dump())
    items = input_items(body)
    request = to_request(body, items, signer, sampling, model.entry.thinking_budget, limits)
    return body, request, model


async def _objects(events: Events, renderer: ResponseRenderer) -> AsyncGenerator[Object, None]:
    async with aclosing(events):
        async for _, event in events:
            for value in renderer.render(event):
                yield value


async def _frames(events: Events, renderer: ResponseRenderer) -> AsyncGenerator[bytes, None]:
    async with aclosing(_objects(events, renderer)) as objects:
        async for value in objects:
            yield NAMED_EVENTS.frame(value)


async def _whole(events: Events, renderer: ResponseRenderer) -> Response:
    async with aclosing(_objects(events, renderer)) as objects:
        async for _ in objects:
            pass
    return JSONResponse(renderer.response.object())
