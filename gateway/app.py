"""The only place where things are wired."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from gateway.admission import Admission
from gateway.api import chat, completions, document, embeddings, errors, metrics, models
from gateway.api.door import Door
from gateway.api.limits import BodyLimit
from gateway.api.tracing import Tracing
from gateway.config import Config
from gateway.engine.client import Client
from gateway.keys import Key
from gateway.metrics import Metrics
from gateway.registry import Launch, Registry


def create_app(
    config: Config,
    launch: Launch = Client.start,
    keys: tuple[Key, ...] = (),
    *,
    log_prompts: bool = False,
) -> FastAPI:
    """The gateway for `config` and who has one of `keys`; `launch` brings up a model's worker."""
    counts = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.registry = Registry(config, launch, metrics=counts)
        try:
            await app.state.registry.preload()
            yield
        finally:
            await app.state.registry.close()

    app = FastAPI(title="tool-gateway", lifespan=lifespan)
    app.state.admission = Admission(config)
    app.add_middleware(BodyLimit, config.limits.body_mb * 2**20)
    app.add_middleware(Door, app.state.admission, keys, config.hosts)
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
