"""Which models a route is for: those that write, or those that make embeddings."""

from __future__ import annotations

from gateway.errors import BadRequest
from gateway.models.registry import Registry


def check_writes(registry: Registry, name: str) -> None:
    """Raise BadRequest unless it is a model that writes text, ModelNotFound if there is none."""
    _, entry = registry.entry(name)
    if entry.embeddings:
        raise BadRequest(
            f"{name!r} makes embeddings and writes no text; ask it at /v1/embeddings", param="model"
        )


def check_embeds(registry: Registry, name: str) -> None:
    """The same for a model that makes embeddings."""
    _, entry = registry.entry(name)
    if not entry.embeddings:
        raise BadRequest(
            f"{name!r} writes text and makes no embeddings; those that do have `embeddings: true`"
            " in models.yaml",
            param="model",
        )
