"""The bodies of requests in the OpenAPI document; FastAPI knows none, as routes read their own."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from gateway.api.body import Body, ChatBody
from gateway.api.completion_body import CompletionBody
from gateway.api.embeddings import EmbeddingBody

BODIES: dict[str, type[Body]] = {
    "/v1/chat/completions": ChatBody,
    "/v1/completions": CompletionBody,
    "/v1/embeddings": EmbeddingBody,
}
PLACE = "#/components/schemas/{model}"


def install(app: FastAPI) -> None:
    """Let the document of `app`, and so `/docs`, show what each route takes."""
    own = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _add_bodies(own())
        return own()

    app.openapi = openapi  # type: ignore[method-assign]


def _add_bodies(document: dict[str, Any]) -> None:
    schemas, definitions = models_json_schema(
        [(kind, "validation") for kind in BODIES.values()], ref_template=PLACE
    )
    held = document.setdefault("components", {}).setdefault("schemas", {})
    held.update(definitions["$defs"])
    for path, kind in BODIES.items():
        content = {"application/json": {"schema": schemas[kind, "validation"]}}
        document["paths"][path]["post"]["requestBody"] = {"required": True, "content": content}
