"""POST /v1/embeddings.

Source: https://platform.openai.com/docs/api-reference/embeddings/create
"""

from __future__ import annotations

import base64
from array import array
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway.api.body import INT32_MAX, RequestBody, read_as
from gateway.api.openai.token_input import Texts, each
from gateway.api.serving import resolve
from gateway.api.vectors import check_inputs, respond_with_vectors
from gateway.models.model import EmbeddingModel
from gateway.models.registry import Registry

router = APIRouter()


class EmbeddingBody(RequestBody):
    """The body of POST /v1/embeddings."""

    model: str
    input: Texts
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1, le=INT32_MAX)] | None = None


@router.post("/v1/embeddings", response_model=None)
async def embeddings(http: Request) -> Response:
    """Embed each input as a vector of length 1. Texts of control tokens are plain text."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    body, name = await registry.serializer.run(partial(_read, data, registry), len(data))
    render = partial(_render, body)
    return await respond_with_vectors(http, name, each(body.input), body.dimensions, render)


def _read(data: bytes, registry: Registry) -> tuple[EmbeddingBody, str]:
    body = read_as(EmbeddingBody, data, "the body", registry.config.limits)
    name, _ = resolve(registry, body.model, EmbeddingModel)
    check_inputs(each(body.input), is_list=isinstance(body.input, list))
    return body, name


def _render(body: EmbeddingBody, vectors: Sequence[array[float]], tokens: int) -> dict[str, Any]:
    encoded = _in_base64 if body.encoding_format == "base64" else array.tolist
    data = [
        {"object": "embedding", "index": index, "embedding": encoded(vector)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": body.model, "usage": usage}


def _in_base64(vector: array[float]) -> str:
    return base64.b64encode(vector.tobytes()).decode()
