"""POST /v1/responses and POST /v1/responses/input_tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from gateway.api.body import read_as
from gateway.api.framing import NAMED_EVENTS
from gateway.api.responses.body import ResponseBody
from gateway.api.responses.input_items import read_items
from gateway.api.responses.request import ENCRYPTED_REASONING, left_out, to_request
from gateway.api.responses.response_object import ResponseObject
from gateway.api.responses.stored.background import BackgroundRuns, Objects, Run
from gateway.api.responses.stored.conversation import dereferenced, earlier_items, input_items
from gateway.api.responses.stored.store import ResponseStore
from gateway.api.responses.stream import ResponseRenderer
from gateway.api.responses.tools import tool_names
from gateway.api.responses.truncation import truncated
from gateway.api.serving import Events, count_prompt, json_response, resolve, serve
from gateway.api.signing import Signer
from gateway.api.streaming import StreamResponse, until_disconnect
from gateway.chat.events import Finished
from gateway.chat.json import Object
from gateway.chat.request import Request as ChatRequest
from gateway.chat.request import Sampling
from gateway.errors import GatewayError
from gateway.generate.chat import answer
from gateway.models.model import ChatModel
from gateway.models.registry import Registry, Resolved

router = APIRouter()

Keep = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request for a response, as it was read; `items` are those of its input, to be stored.

    `size` is that of the body in bytes, and of all texts, those of earlier items included.
    """

    body: ResponseBody
    request: ChatRequest
    model: Resolved
    items: list[Object]
    size: int


@router.post("/v1/responses", response_model=None)
async def create(http: Request) -> Response:
    """Answer a conversation, with items of text, reasoning and calls of the tools on offer."""
    store: ResponseStore = http.app.state.responses
    data, owner = await http.body(), http.state.key
    asked = await asyncio.to_thread(_read, data, http.app, owner)
    body, (name, entry) = asked.body, asked.model
    renderer = ResponseRenderer(
        ResponseObject(body, asked.request, left_out(body)),
        tool_names(body.tools or []),
        summarizes=body.summarizes,
        signer=http.app.state.signer if body.includes(ENCRYPTED_REASONING) else None,
    )

    async def keep() -> None:
        if body.store is not False:
            response = renderer.response.object()
            await asyncio.to_thread(store.put, owner, response, asked.items)

    whole_calls = not body.stream or entry.stream.tool_calls == "whole"

    def start(request: ChatRequest) -> Events:
        generate = partial(answer, request, whole_calls=whole_calls, size=asked.size)
        return serve(http, name, generate, timeout_s=body.timeout_s)

    if body.truncation == "auto":
        events = truncated(asked.request, start, renderer.response.notes)
    else:
        events = start(asked.request)
    objects = _objects(events, renderer, keep)
    if body.background:
        runs: BackgroundRuns = http.app.state.runs
        run = runs.start(owner, renderer, asked.items, keep, objects)
        return stream_of(run) if body.stream else JSONResponse(renderer.response.object())
    if body.stream:
        return _stream(objects, renderer)
    return await until_disconnect(http, _whole(objects, renderer))


@router.post("/v1/responses/input_tokens", response_model=None)
async def input_tokens(http: Request) -> Response:
    """Count the tokens of the prompt, exactly as `usage` counts them."""
    data = await http.body()
    asked = await asyncio.to_thread(_read, data, http.app, http.state.key)
    return await until_disconnect(http, _counted(http, asked))


async def _counted(http: Request, asked: _Asked) -> Response:
    count = await count_prompt(http, asked.model.name, asked.request, asked.size)
    return JSONResponse({"object": "response.input_tokens", "input_tokens": count})


def stream_of(run: Run, after: int = -1) -> Response:
    """Returns the stream of a response in the background, from the event after `after`."""
    return _stream(run.follow(after), run.renderer)


def _read(data: bytes, app: FastAPI, owner: str) -> _Asked:
    registry: Registry = app.state.registry
    store: ResponseStore = app.state.responses
    signer: Signer = app.state.signer
    limits = registry.config.limits
    body = read_as(ResponseBody, data, "the body", limits)
    model = resolve(registry, body.model, ChatModel)
    sampling = Sampling(**model.entry.sampling.model_dump())
    items = dereferenced(input_items(body), store, owner)
    every = [*earlier_items(body, store, owner), *read_items(items)]
    request = to_request(body, every, signer, sampling, model.entry.thinking_budget, limits)
    size = len(data) + sum(len(message.text) for message in request.messages)
    return _Asked(body, request, model, items, size)


async def _objects(events: Events, renderer: ResponseRenderer, keep: Keep) -> Objects:
    """Yields the events of the stream; the response is kept before the client has all of it."""
    async with aclosing(events):
        async for _, event in events:
            values = [*renderer.render(event)]
            if isinstance(event, Finished):
                await keep()
            for value in values:
                yield value


def _stream(objects: Objects, renderer: ResponseRenderer) -> Response:
    def error_frames(error: GatewayError) -> bytes:
        return b"".join(map(NAMED_EVENTS.frame, renderer.failed(error)))

    return StreamResponse(_frames(objects), error_frames, NAMED_EVENTS.keep_alive)


async def _frames(objects: Objects) -> AsyncGenerator[bytes, None]:
    async with aclosing(objects):
        async for value in objects:
            yield NAMED_EVENTS.frame(value)


async def _whole(objects: Objects, renderer: ResponseRenderer) -> Response:
    async with aclosing(objects):
        async for _ in objects:
            pass
    return await json_response(renderer.response.object)
