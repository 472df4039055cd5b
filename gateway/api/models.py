"""GET /v1/models, GET /v1/models/{id}, GET /health."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from gateway.registry import Registry

router = APIRouter()


@router.get("/v1/models")
async def models(http: Request) -> dict[str, Any]:
    """The models that models.yaml has."""
    registry: Registry = http.app.state.registry
    return {"object": "list", "data": [_model(registry, name) for name in registry.config.models]}


@router.get("/v1/models/{name:path}")
async def model(name: str, http: Request) -> dict[str, Any]:
    """One model, by its name or an alias."""
    registry: Registry = http.app.state.registry
    own, _ = registry.entry(name)
    return _model(registry, own)


@router.get("/health")
async def health(http: Request) -> dict[str, Any]:
    """Whether the gateway is up, which models are loaded, and what they have answered."""
    registry: Registry = http.app.state.registry
    loaded = [name for name in registry.config.models if registry.is_loaded(name)]
    return {"status": "ok", "loaded": loaded, "counts": registry.tallies()}


def _model(registry: Registry, name: str) -> dict[str, Any]:
    entry = registry.config.models[name]
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "tool-gateway",
        "context": entry.context,
        "format": registry.format_of(name),
        "aliases": list(entry.aliases),
        "loaded": registry.is_loaded(name),
    }
