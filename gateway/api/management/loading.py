"""POST /v1/models/{id}/load, POST /v1/models/{id}/unload."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.api.serving import resolve, turn
from gateway.api.streaming import until_disconnect
from gateway.models.model import kind_of
from gateway.models.registry import Registry

router = APIRouter()


@router.post("/v1/models/{name:path}/load", response_model=None)
async def load(name: str, http: Request) -> Response:
    """Load a model, which may include downloading it; a client that hangs up does not stop it."""
    registry: Registry = http.app.state.registry
    own_name, entry = resolve(registry, name)

    async def loaded() -> Response:
        async with turn(http, own_name, kind_of(entry)):
            return JSONResponse(_state(registry, own_name))

    return await until_disconnect(http, loaded())


@router.post("/v1/models/{name:path}/unload", response_model=None)
async def unload(name: str, http: Request) -> Response:
    """Unload a model after its requests have finished; a request after that loads it again."""
    registry: Registry = http.app.state.registry
    own_name, _ = resolve(registry, name)

    async def unloaded() -> Response:
        await registry.unload(own_name)
        return JSONResponse(_state(registry, own_name))

    return await until_disconnect(http, unloaded())


def _state(registry: Registry, name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "state": registry.status(name).state}
