"""From a request to the parts of its answer: its turn, its model, what that says."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeAlias

from fastapi import Request

from gateway.admission import Admission
from gateway.answer import Part, answer
from gateway.registry import Registry
from gateway.relay import relay
from gateway.request import Request as Asked

Parts: TypeAlias = AsyncGenerator[tuple[int, Part], None]


def parts_of(
    http: Request, asked: Asked, *, whole: bool, size: int, timeout_s: float | None = None
) -> Parts:
    """The parts of the answers to `asked`, by index, once it is their turn.

    `whole` and `size` are those of `answer`. Closing the parts gives up the place, too.
    """
    return relay(_parts(http, asked, whole, size, timeout_s))


async def _parts(
    http: Request, asked: Asked, whole: bool, size: int, timeout_s: float | None
) -> Parts:
    registry: Registry = http.app.state.registry
    admission: Admission = http.app.state.admission
    name, _ = registry.entry(asked.model)
    async with admission.place(name, http.state.key, asked.answers, timeout_s):
        model = await registry.get(name)
        async with aclosing(answer(asked, model, whole=whole, size=size)) as parts:
            async for part in parts:
                yield part
