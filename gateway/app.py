"""The only place where things are wired."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from gateway.api import chat, errors, models
from gateway.api.limits import BodyLimit
from gateway.config import Config
from gateway.engine.client import Client
from gateway.footprint import footprint
from gateway.registry import Launch, Registry, Weigh
from gateway.upkeep import upkeep


def create_app(
    config: Config,
    launch: Launch = Client.start,
    weigh: Weigh = footprint,
    path: Path | None = None,
) -> FastAPI:
    """The gateway for `config`; `launch` brings up a model's worker.

    `weigh` says how much memory that will take. What changes in the file at `path` takes effect.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.registry = Registry(config, launch, weigh)
        app.state.registry.preload()
        keeping_up = asyncio.create_task(upkeep(app.state.registry, path))
        try:
            yield
        finally:
            keeping_up.cancel()
            await app.state.registry.close()

    app = FastAPI(title="tool-gateway", lifespan=lifespan)
    app.add_middleware(BodyLimit)
    errors.install(app)
    app.include_router(chat.router)
    app.include_router(models.router)
    return app
