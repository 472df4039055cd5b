"""POST /api/chat, POST /api/generate, POST /api/embed."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.api.body import read_as
from gateway.api.framing import LINES
from gateway.api.ollama.body import AnswerBody, EmbedBody, GenerateBody, OllamaChatBody
from gateway.api.ollama.durations import Durations
from gateway.api.ollama.names import resolve
from gateway.api.ollama.request import to_chat, to_generate, to_raw, unloads
from gateway.api.ollama.stream import ChatRenderer, GenerateRenderer, OllamaRenderer
from gateway.api.serving import Generate, respond, serve, turn
from gateway.api.streaming import until_disconnect
from gateway.api.vectors import check_inputs, respond_with_vectors
from gateway.chat.request import Sampling
from gateway.config.load import Entry
from gateway.generate.chat import answer
from gateway.generate.completion import complete
from gateway.models.model import ChatModel, EmbeddingModel
from gateway.models.registry import Registry

router = APIRouter()


@router.post("/api/chat", response_model=None)
async def chat(http: Request) -> Response:
    """Answer a conversation, with text or with calls of the tools on offer."""
    return await _answered(http, _read_chat, ChatRenderer)


@router.post("/api/generate", response_model=None)
async def generate(http: Request) -> Response:
    """Answer a prompt, or continue one that is raw."""
    return await _answered(http, _read_generate, GenerateRenderer)


@router.post("/api/embed", response_model=None)
async def embed(http: Request) -> Response:
    """Embed each input as a vector of length 1."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    body, name = await registry.serializer.run(partial(_read_embed, data, registry), len(data))
    render = partial(_vectors, body.model, Durations())
    return await respond_with_vectors(http, name, body.inputs, body.dimensions, render)


async def _answered(
    http: Request,
    read: Callable[[bytes, Registry], tuple[AnswerBody, Generate | None, str]],
    renderer_of: type[ChatRenderer] | type[GenerateRenderer],
) -> Response:
    """Answers a request; loads or unloads the model if there is nothing to answer."""
    durations = Durations()
    registry: Registry = http.app.state.registry
    data = await http.body()
    body, generate, name = await registry.serializer.run(partial(read, data, registry), len(data))
    renderer = renderer_of(body.model, durations)
    if generate is None:
        work = _unload if unloads(body) else _load
        return await until_disconnect(http, work(http, name, renderer))
    events = serve(http, name, partial(durations.measured, generate))
    stream = body.stream is not False
    return await respond(http, events, renderer, stream=stream, framing=LINES)


async def _load(http: Request, name: str, renderer: OllamaRenderer) -> Response:
    async with turn(http, name, ChatModel):
        return JSONResponse(renderer.without_answer("load"))


async def _unload(http: Request, name: str, renderer: OllamaRenderer) -> Response:
    registry: Registry = http.app.state.registry
    await registry.unload(name)
    return JSONResponse(renderer.without_answer("unload"))


def _read_chat(data: bytes, registry: Registry) -> tuple[OllamaChatBody, Generate | None, str]:
    limits = registry.config.limits
    body = read_as(OllamaChatBody, data, "the body", limits)
    name, entry = resolve(registry, body.model, ChatModel)
    if not body.messages:
        return body, None, name
    request = to_chat(body, _sampling(entry), entry.thinking_budget, limits)
    return body, partial(answer, request, whole_calls=True, size=len(data)), name


def _read_generate(data: bytes, registry: Registry) -> tuple[GenerateBody, Generate | None, str]:
    limits = registry.config.limits
    body = read_as(GenerateBody, data, "the body", limits)
    name, entry = resolve(registry, body.model, ChatModel)
    if not body.prompt:
        return body, None, name
    if body.raw:
        return body, partial(complete, to_raw(body, _sampling(entry))), name
    request = to_generate(body, _sampling(entry), entry.thinking_budget, limits)
    return body, partial(answer, request, whole_calls=True, size=len(data)), name


def _sampling(entry: Entry) -> Sampling:
    return Sampling(**entry.sampling.model_dump())


def _read_embed(data: bytes, registry: Registry) -> tuple[EmbedBody, str]:
    body = read_as(EmbedBody, data, "the body", registry.config.limits)
    name, _ = resolve(registry, body.model, EmbeddingModel)
    is_list = isinstance(body.input, list)
    check_inputs(body.inputs, is_list=is_list)
    return body, name


def _vectors(
    model: str, durations: Durations, vectors: Sequence[array[float]], tokens: int
) -> dict[str, Any]:
    return {
        "model": model,
        "embeddings": [vector.tolist() for vector in vectors],
        "prompt_eval_count": tokens,
        "total_duration": durations.until_now()["total_duration"],
    }
