"""The only place where things are wired."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from gateway.admission import Admission
from gateway.api import chat, completions, document, embeddings, errors, metrics, models
from gateway.api.door import Door
from gateway.api.limits import BodyLimit
from gateway.api.tracing import Tracing
from gateway.config import Config
from gateway.engine.client import Client
from gateway.footprint import footprint
from gateway.keys import Key
from gateway.metrics import Metrics
from gateway.model import Launch
from gateway.registry import Registry, Weigh
from gateway.upkeep import upkeep


def create_app(
    config: Config,
    launch: Launch = Client.start,
    keys: tuple[Key, ...] = (),
    *,
    weigh: Weigh = footprint,
    path: Path | None = None,
    log_prompts: bool = False,
) -> FastAPI:
    """The gateway for `config` and who has one of `keys`; `launch` brings up a model's worker.

    `weigh` says how much memory that will take. What changes in the file at `path` takes effect.
    """
    counts, admission = Metrics(), Admission(config)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        registry = app.state.registry = Registry(config, launch, weigh, metrics=counts)
        registry.preload()
        keeping_up = asyncio.create_task(upkeep(registry, admission, path))
        try:
            yield
        finally:
            keeping_up.cancel()
            await registry.close()

    app = FastAPI(title="tool-gateway", lifespan=lifespan)
    app.state.admission = admission
    app.add_middleware(BodyLimit, config.limits.body_mb * 2**20)
    app.add_middleware(Door, admission, keys, config.hosts)
    if config.cors:  # a browser's own questions come without a key
        app.add_middleware(CORSMiddleware, config.cors, ["*"], ["*"], expose_headers=["*"])
    app.add_middleware(Tracing, metrics=counts, log_prompts=log_prompts)  # the outermost, so last
    errors.install(app)
    app.include_router(chat.router)
    app.include_router(completions.router)
    app.include_router(embeddings.router)
    app.include_router(models.router)
    app.include_router(metrics.router)
    document.install(app)
    return app
