"""POST /v1/chat/completions."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response

from gateway.api.openai.chat_body import ChatBody, read
from gateway.api.openai.chat_functions import FunctionsRenderer
from gateway.api.openai.chat_request import to_request
from gateway.api.openai.chat_stream import ChatRenderer
from gateway.api.serving import Renderer, resolve, respond, serve
from gateway.chat.request import Request as ChatRequest
from gateway.chat.request import Sampling
from gateway.generate.chat import answer
from gateway.models.model import ChatModel
from gateway.models.registry import Registry, Resolved

router = APIRouter()


@router.post("/v1/chat/completions", response_model=None)
async def complete(http: Request) -> Response:
    """Answer a conversation, with text or with calls of the tools on offer."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    read_body = partial(read_request, data, registry)
    body, request, (name, entry) = await registry.serializer.run(read_body, len(data))
    stream = bool(body.stream)
    whole_calls = not stream or entry.stream.tool_calls == "whole"
    renderer: Renderer = ChatRenderer(
        body.model,
        request.n,
        whole_calls=whole_calls,
        always_content=entry.stream.content == "always",
        include_usage=body.include_usage,
        custom_tools=request.custom_tools,
    )
    if body.functions:
        renderer = FunctionsRenderer(renderer)
    generate = partial(answer, request, whole_calls=whole_calls, size=len(data))
    events = serve(http, name, generate, request.n, body.timeout_s)
    return await respond(http, events, renderer, stream=stream, answers=request.n)


def read_request(data: bytes, registry: Registry) -> tuple[ChatBody, ChatRequest, Resolved]:
    """Returns the body, the request and its model; raises BadRequest and ModelNotFound."""
    limits = registry.config.limits
    body = read(data, limits)
    model = resolve(registry, body.model, ChatModel)
    sampling = Sampling(**model.entry.sampling.model_dump())
    return body, to_request(body, sampling, model.entry.thinking_budget, limits), model
