"""Serves one model of models.yaml to a client in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from gateway.app import create_app
from gateway.config.load import Config, Entry


@asynccontextmanager
async def served(config: Config, name: str, entry: Entry) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with `entry` as its only model; its worker ends with the context."""
    app = create_app(config.model_copy(update={"models": {name: entry}}))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost/v1") as client,
    ):
        yield client
