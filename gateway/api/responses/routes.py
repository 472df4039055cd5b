"""POST /v1/responses and POST /v1/responses/input_tokens."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.api.body import read_as
from gateway.api.framing import NAMED_EVENTS
from gateway.api.responses.body import ResponseBody
from gateway.api.responses.input_items import read_items
from gateway.api.responses.request import ENCRYPTED_REASONING, left_out, to_request
from gateway.api.responses.response_object import ResponseObject
from gateway.api.responses.stored.background import BackgroundRuns, Objects, Run
from gateway.api.responses.stored.conversation import (
    dereferenced,
    earlier_items,
    input_items,
    needs_store,
)
from gateway.api.responses.stored.store import ResponseStore
from gateway.api.responses.stream import ResponseRenderer
from gateway.api.responses.tools import tool_names
from gateway.api.responses.truncation import truncated
from gateway.api.serving import Events, count_prompt, json_response, resolve, serve
from gateway.api.streaming import StreamResponse, until_disconnect
from gateway.chat.events import Finished
from gateway.chat.json import Object
from gateway.chat.request import Request as ChatRequest
from gateway.chat.request import Sampling
from gateway.errors import GatewayError, StoreUnavailable
from gateway.generate.chat import answer
from gateway.models.model import ChatModel
from gateway.models.registry import Registry, Resolved

log = logging.getLogger("gateway")
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
    asked = await _read(http, data)
    body, (name, entry) = asked.body, asked.model
    renderer = ResponseRenderer(
        ResponseObject(body, asked.request, left_out(body)),
        tool_names(body.tools or []),
        summarizes=body.summarizes,
        signer=http.app.state.signer if body.includes(ENCRYPTED_REASONING) else None,
    )

    async def keep() -> None:
        response = renderer.response.object()
        try:
            if body.store is not False:
                await store.run(store.put, owner, response, asked.items)
        except StoreUnavailable:
            log.error("the response %s is not stored", response["id"])

    async def complete() -> None:
        await store.run(store.complete, owner, renderer.response.object(), asked.items)

    whole_calls = not body.stream or entry.stream.tool_calls == "whole"

    def start(request: ChatRequest) -> Events:
        generate = partial(answer, request, whole_calls=whole_calls, size=asked.size)
        return serve(http, name, generate, timeout_s=body.timeout_s)

    if body.truncation == "auto":
        events = truncated(asked.request, start, renderer.response.notes)
    else:
        events = start(asked.request)
    if body.background:
        runs: BackgroundRuns = http.app.state.runs
        response = renderer.response.object()
        await store.run(store.begin, owner, response, asked.items)
        run = runs.start(owner, renderer, complete, _objects(events, renderer))
        return stream_of(run) if body.stream else JSONResponse(response)
    objects = _objects(events, renderer, keep)
    if body.stream:
        return _stream(objects, renderer)
    return await until_disconnect(http, _whole(objects, renderer))


@router.post("/v1/responses/input_tokens", response_model=None)
async def input_tokens(http: Request) -> Response:
    """Count the tokens of the prompt, exactly as `usage` counts them."""
    data = await http.body()
    asked = await _read(http, data)
    return await until_disconnect(http, _counted(http, asked))


async def _counted(http: Request, asked: _Asked) -> Response:
    count = await count_prompt(http, asked.model.name, asked.request, asked.size)
    return JSONResponse({"object": "response.input_tokens", "input_tokens": count})


def stream_of(run: Run, after: int = -1) -> Response:
    """Returns the stream of a response in the background, from the event after `after`."""
    return _stream(run.follow(after), run.renderer)


async def _read(http: Request, data: bytes) -> _Asked:
    registry: Registry = http.app.state.registry
    store: ResponseStore = http.app.state.responses
    limits = registry.config.limits
    run = partial(registry.serializer.run, size=len(data))
    body = await run(partial(read_as, ResponseBody, data, "the body", limits))
    model = resolve(registry, body.model, ChatModel)
    sampling = Sampling(**model.entry.sampling.model_dump())

    def read() -> _Asked:
        items = dereferenced(input_items(body), store, http.state.key)
        every = [*earlier_items(body, store, http.state.key), *read_items(items)]
        budget, signer = model.entry.thinking_budget, http.app.state.signer
        request = to_request(body, every, signer, sampling, budget, limits)
        size = len(data) + sum(len(message.text) for message in request.messages)
        return _Asked(body, request, model, items, size)

    return await (store.run(read) if needs_store(body) else run(read))


async def _objects(events: Events, renderer: ResponseRenderer, keep: Keep | None = None) -> Objects:
    """Yields the events of the stream; `keep` stores it before the client has all of it."""
    async with aclosing(events):
        async for _, event in events:
            values = [*renderer.render(event)]
            if keep and isinstance(event, Finished):
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
