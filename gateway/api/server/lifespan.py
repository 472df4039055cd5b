"""Runs the lifespan of an ASGI application: https://asgi.readthedocs.io/en/latest/specs/lifespan.html"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Message


@asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Starts `app`, and shuts it down at the end of the context; raises what `app` raises.

    FastAPI configures the export of telemetry when it is started this way, and not by the context
    manager of its router.
    """
    events: asyncio.Queue[Message] = asyncio.Queue()
    answers: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    running = asyncio.ensure_future(app(scope, events.get, answers.put))

    async def tell(event: str) -> None:
        events.put_nowait({"type": event})
        if (await answers.get())["type"] == f"{event}.failed":
            await running

    await tell("lifespan.startup")
    try:
        yield
    finally:
        await tell("lifespan.shutdown")
        await running
