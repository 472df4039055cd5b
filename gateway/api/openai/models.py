"""GET /v1/models, GET /v1/models/{id}."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from gateway.api.serving import resolve
from gateway.models.memory_estimate import MB
from gateway.models.registry import Registry

router = APIRouter()


@router.get("/v1/models")
async def models(http: Request) -> dict[str, Any]:
    """List the models of models.yaml, with their state and capabilities."""
    registry: Registry = http.app.state.registry
    names = list(registry.config.models)
    return {
        "object": "list",
        "data": [_model(registry, name) for name in names],
        # The Anthropic API's page, which has all of them.
        "has_more": False,
        "first_id": names[0],
        "last_id": names[-1],
    }


@router.get("/v1/models/{name:path}")
async def model(name: str, http: Request) -> dict[str, Any]:
    """Describe one model, by its name or an alias."""
    registry: Registry = http.app.state.registry
    return _model(registry, resolve(registry, name).name)


def _model(registry: Registry, name: str) -> dict[str, Any]:
    entry = registry.config.models[name]
    status = registry.status(name)
    model = registry.model(name)
    context = model.engine.info.context if model else entry.context
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "tool-gateway",
        "context": context,
        "format": registry.format_name(name),
        "aliases": list(entry.aliases),
        "loaded": registry.is_loaded(name),
        "state": status.state,
        "reason": status.reason or None,
        "progress": status.progress,
        "memory_mb": registry.memory_bytes(name) // MB,
        "capabilities": registry.capabilities(name),
        **_for_other_clients(name, context),
    }


def _for_other_clients(name: str, context: int) -> dict[str, Any]:
    """The fields that clients of vLLM and of the Anthropic API look for."""
    return {
        "max_model_len": context,
        "type": "model",
        "display_name": name,
        "created_at": "1970-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": context,
        "max_tokens": context,
    }
