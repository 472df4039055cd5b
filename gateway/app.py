"""Builds the ASGI application: the one place that wires all rooms together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from gateway.admission.admission import Admission
from gateway.admission.api_keys import Key
from gateway.api import errors, metrics
from gateway.api import openapi as document
from gateway.api.middleware.auth import Door
from gateway.api.middleware.body_limit import BodyLimit
from gateway.api.middleware.request_log import Tracing
from gateway.api.openai import chat, completions, embeddings, models
from gateway.config.load import Config
from gateway.engine.client import Client
from gateway.models.memory_estimate import footprint
from gateway.models.model import Launch
from gateway.models.registry import Registry, Weigh
from gateway.models.watcher import upkeep
from gateway.observe.metrics import Metrics


def create_app(
    config: Config,
    launch: Launch = Client.start,
    keys: tuple[Key, ...] = (),
    *,
    weigh: Weigh = footprint,
    path: Path | None = None,
    log_prompts: bool = False,
) -> FastAPI:
    """The application that serves the models of `config`.

    With `keys`, requests need one of these API keys. `launch` starts the worker of a model, and
    `weigh` estimates its memory. If `path` is set, changes to that models.yaml are applied while
    the gateway runs. `log_prompts` adds prompts and answers to the log.
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
    if config.cors:  # outside the auth middleware: preflight requests have no API key
        app.add_middleware(CORSMiddleware, config.cors, ["*"], ["*"], expose_headers=["*"])
    app.add_middleware(Tracing, metrics=counts, log_prompts=log_prompts)  # added last, so outermost
    errors.install(app)
    app.include_router(chat.router)
    app.include_router(completions.router)
    app.include_router(embeddings.router)
    app.include_router(models.router)
    app.include_router(metrics.router)
    document.install(app)
    return app
