"""Names of models as Ollama's clients write them."""

from __future__ import annotations

from gateway.api import serving
from gateway.models.model import ChatModel, EmbeddingModel
from gateway.models.registry import Registry, Resolved

TAG = ":latest"  # which a name has in Ollama if no other tag is given


def resolve(
    registry: Registry, name: str, kind: type[ChatModel] | type[EmbeddingModel] | None = None
) -> Resolved:
    """Returns the model of this name, with or without the tag; raises as `serving.resolve`."""
    is_known = registry.config.name_of(name) is not None
    return serving.resolve(registry, name if is_known else name.removesuffix(TAG), kind)
