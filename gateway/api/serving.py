"""From a request to the parts of its answer: its turn, its model, what that says."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Protocol, TypeAlias

from fastapi import Request

from gateway.admission.admission import SLOTS, Admission
from gateway.api.model_kind import check_writes
from gateway.api.openai.chat_stream import Chunk
from gateway.chat.events import Part
from gateway.concurrency import detach
from gateway.models.model import ChatModel
from gateway.models.registry import Registry

Parts: TypeAlias = AsyncGenerator[tuple[int, Part], None]


class Renderer(Protocol):
    """What makes chunks of parts."""

    def render(self, index: int, part: Part) -> Iterator[Chunk]: ...

    def usage_chunk(self) -> Chunk: ...


def parts_of(
    http: Request,
    name: str,
    write: Callable[[ChatModel], Parts],
    slots: int = 1,
    timeout_s: float | None = None,
) -> Parts:
    """What the model `name` is to `write`, once it is the request's turn, in so many slots.

    Closing the parts gives up the place, too.
    """
    return detach(_parts(http, name, write, slots, timeout_s))


async def rendered(
    parts: Parts, chunks: Renderer, wants_usage: bool = False
) -> AsyncGenerator[Chunk, None]:
    """The chunks of all parts."""
    async with aclosing(parts):
        async for index, part in parts:
            for chunk in chunks.render(index, part):
                yield chunk
    if wants_usage:
        yield chunks.usage_chunk()


async def _parts(
    http: Request,
    name: str,
    write: Callable[[ChatModel], Parts],
    slots: int,
    timeout_s: float | None,
) -> Parts:
    registry: Registry = http.app.state.registry
    admission: Admission = http.app.state.admission
    own, _ = registry.entry(name)
    async with admission.slot(own, http.state.key, min(slots, SLOTS), timeout_s):
        check_writes(registry, own)  # models.yaml may have changed while it waited
        model = await registry.get(own)
        assert isinstance(model, ChatModel)
        with model.use:
            async with aclosing(write(model)) as parts:
                async for part in parts:
                    yield part
