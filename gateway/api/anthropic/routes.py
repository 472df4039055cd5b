"""POST /v1/messages and POST /v1/messages/count_tokens."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.api.anthropic.body import MessagesBody, PromptBody
from gateway.api.anthropic.request import left_out, thoughts, to_prompt, to_request
from gateway.api.anthropic.stream import FRAMING, MessagesRenderer
from gateway.api.body import read_as
from gateway.api.serving import count_prompt, resolve, respond, serve
from gateway.api.signing import Signer
from gateway.api.streaming import until_disconnect
from gateway.chat.request import Request as ChatRequest
from gateway.chat.request import Sampling
from gateway.generate.chat import answer
from gateway.models.model import ChatModel
from gateway.models.registry import Registry, Resolved

router = APIRouter()


@router.post("/v1/messages", response_model=None)
async def messages(http: Request) -> Response:
    """Answer a conversation, with text or with calls of the tools on offer."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    signer: Signer = http.app.state.signer
    read = partial(_read, data, registry, signer)
    body, request, (name, entry) = await registry.serializer.run(read, len(data))
    stream = bool(body.stream)
    whole_calls = not stream or entry.stream.tool_calls == "whole"
    renderer = MessagesRenderer(
        body.model,
        thoughts(body),
        signer,
        counts_cached=_marks_cache(data),
        notes=left_out(body),
    )
    events = serve(http, name, partial(answer, request, whole_calls=whole_calls, size=len(data)))
    return await respond(http, events, renderer, stream=stream, framing=FRAMING)


@router.post("/v1/messages/count_tokens", response_model=None)
async def count_tokens(http: Request) -> Response:
    """Count the tokens of the prompt, exactly as `usage` counts them."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    read = partial(_read_prompt, data, registry, http.app.state.signer)
    request, name = await registry.serializer.run(read, len(data))
    return await until_disconnect(http, _counted(http, request, name, len(data)))


async def _counted(http: Request, request: ChatRequest, name: str, size: int) -> Response:
    return JSONResponse({"input_tokens": await count_prompt(http, name, request, size)})


def _read(
    data: bytes, registry: Registry, signer: Signer
) -> tuple[MessagesBody, ChatRequest, Resolved]:
    limits = registry.config.limits
    body = read_as(MessagesBody, data, "the body", limits)
    model = resolve(registry, body.model, ChatModel)
    sampling = Sampling(**model.entry.sampling.model_dump())
    request = to_request(body, signer, sampling, model.entry.thinking_budget, limits)
    return body, request, model


def _read_prompt(data: bytes, registry: Registry, signer: Signer) -> tuple[ChatRequest, str]:
    limits = registry.config.limits
    body = read_as(PromptBody, data, "the body", limits)
    name, entry = resolve(registry, body.model, ChatModel)
    return to_prompt(body, signer, entry.thinking_budget, limits), name


def _marks_cache(data: bytes) -> bool:
    """Whether a body has the key `cache_control` anywhere; in a text its quotes are escaped."""
    return b'"cache_control"' in data
