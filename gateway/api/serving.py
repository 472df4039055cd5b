"""The seam for a dialect: from a request to the events of its answers, and to a response.

A dialect reads its body into what `generate` takes, and renders events as its own objects.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Protocol, TypeAlias

from fastapi import Request, Response

from gateway.admission.admission import SLOTS, Admission
from gateway.api.framing import EVENTS, Framing
from gateway.api.streaming import StreamResponse, until_disconnect
from gateway.chat.events import Answer, AnswerEvent, fold
from gateway.chat.json import Object, json_text
from gateway.chat.request import Request as ChatRequest
from gateway.errors import GatewayError
from gateway.generate.chat import count_prompt_tokens
from gateway.models.model import ChatModel, M, Model, check_kind
from gateway.models.registry import Registry, Resolved
from gateway.observe.trace import current

Events: TypeAlias = AsyncGenerator[tuple[int, AnswerEvent], None]
Generate: TypeAlias = Callable[[ChatModel], Awaitable[Events]]


def resolve(registry: Registry, name: str, kind: type[Model] | None = None) -> Resolved:
    """Returns the model that a request names, and records it in the trace.

    Raises ModelNotFound, and BadRequest for a model that is not of `kind`.
    """
    resolved = registry.resolve(name)
    trace = current()
    trace.model = resolved.name
    if trace.capture:
        trace.capture.model = resolved.name
    if kind:
        check_kind(*resolved, kind)
    return resolved


class Renderer(Protocol):
    """Renders the events of a request's answers in one dialect, as a stream or as a whole."""

    def render(self, index: int, event: AnswerEvent) -> Iterator[Object]:
        """Yields the objects that an event of the answer at `index` adds to the stream."""
        ...

    def end(self) -> Iterator[Object]:
        """Yields the objects that follow the last event."""
        ...

    def failed(self, error: GatewayError) -> Iterator[Object]:
        """Yields the objects that end a stream in which `error` has occurred."""
        ...

    def whole(self, answers: Sequence[Answer]) -> Object:
        """Returns the one object that has all answers."""
        ...


@asynccontextmanager
async def turn(
    http: Request, name: str, kind: type[M], slots: int = 1, timeout_s: float | None = None
) -> AsyncIterator[M]:
    """The model with the own name `name`, loaded, once it is the request's turn at it.

    The request takes up `slots` of the model within the context. Raises Busy, TimedOut,
    ShuttingDown, BadRequest for a model that is not of `kind`, and what loading it raises.
    """
    registry: Registry = http.app.state.registry
    admission: Admission = http.app.state.admission
    trace = current()
    trace.queued_s = time.monotonic()
    async with admission.slot(name, http.state.key, min(slots, SLOTS), timeout_s):
        trace.admitted_s = time.monotonic()
        async with registry.lease(name, kind) as model:
            trace.ready_s = time.monotonic()
            yield model


async def serve(
    http: Request,
    name: str,
    generate: Generate,
    slots: int = 1,
    timeout_s: float | None = None,
) -> Events:
    """Yields the events that `generate` makes, once it is the request's turn at the model.

    `name` is the model's own, `slots` the number of answers. Raises what `turn` raises. Closing the
    generator frees the slots.
    """
    current().operation = "chat"
    async with (
        turn(http, name, ChatModel, slots, timeout_s) as model,
        aclosing(await generate(model)) as events,
    ):
        async for indexed in events:
            yield indexed


async def count_prompt(http: Request, name: str, request: ChatRequest, size: int) -> int:
    """Returns the number of tokens of a request's prompt, once it is its turn at the model.

    Raises what `turn` raises.
    """
    async with turn(http, name, ChatModel) as model:
        return await count_prompt_tokens(request, model, size=size)


async def respond(
    http: Request,
    events: Events,
    renderer: Renderer,
    *,
    stream: bool,
    answers: int = 1,
    framing: Framing = EVENTS,
) -> Response:
    """Returns the response that streams `events`, or that has them as a whole."""
    if not stream:
        return await until_disconnect(http, _whole(events, renderer, answers))

    def error_frames(error: GatewayError) -> bytes:
        return b"".join(map(framing.frame, renderer.failed(error)))

    frames = _frames(events, renderer, framing)
    return StreamResponse(frames, error_frames, framing.keep_alive, framing.media_type)


async def _frames(
    events: Events, renderer: Renderer, framing: Framing
) -> AsyncGenerator[bytes, None]:
    async with aclosing(events):
        async for index, event in events:
            for value in renderer.render(index, event):
                yield framing.frame(value)
    for value in renderer.end():
        yield framing.frame(value)
    if framing.last:
        yield framing.last


async def _whole(events: Events, renderer: Renderer, answers: int) -> Response:
    each: list[list[AnswerEvent]] = [[] for _ in range(answers)]
    async with aclosing(events):
        async for index, event in events:
            each[index].append(event)
    return await json_response(lambda: renderer.whole([fold(one) for one in each]))


async def json_response(write: Callable[[], Object]) -> Response:
    """Returns the response with the JSON object that `write` returns.

    It is written in a thread: an object may have the log-probabilities of a thousand tokens.
    """
    text = await asyncio.to_thread(lambda: json_text(write()))
    return Response(text, media_type="application/json")
