"""The only place where things are wired."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from gateway.api import chat, completions, document, embeddings, errors, models
from gateway.api.limits import BodyLimit
from gateway.config import Config
from gateway.engine.client import Client
from gateway.registry import Launch, Registry


def create_app(config: Config, launch: Launch = Client.start) -> FastAPI:
    """The gateway for `config`; `launch` brings up a model's worker."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.registry = Registry(config, launch)
        try:
            await app.state.registry.preload()
            yield
        finally:
            await app.state.registry.close()

    app = FastAPI(title="tool-gateway", lifespan=lifespan)
    app.add_middleware(BodyLimit)
    errors.install(app)
    app.include_router(chat.router)
    app.include_router(completions.router)
    app.include_router(embeddings.router)
    app.include_router(models.router)
    document.install(app)
    return app
