"""POST /v1/embeddings.

Source: https://platform.openai.com/docs/api-reference/embeddings/create
"""

from __future__ import annotations

import base64
from array import array
from functools import partial
from math import hypot
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway.admission.admission import Admission
from gateway.api.body import INT32_MAX, Body, read_as
from gateway.api.openai.token_input import Texts, each
from gateway.api.serving import resolve
from gateway.api.streaming import until_disconnect
from gateway.engine.generation import Embeddings
from gateway.errors import BadRequest
from gateway.models.model import EmbeddingModel
from gateway.models.registry import Registry
from gateway.observe.trace import current

MAX_INPUTS = 2048  # as in the OpenAI API

router = APIRouter()


class EmbeddingBody(Body):
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
    return await until_disconnect(http, _placed(http, registry, body, name))


def _read(data: bytes, registry: Registry) -> tuple[EmbeddingBody, str]:
    body = read_as(EmbeddingBody, data, "the body", registry.config.limits)
    name, _ = resolve(registry, body.model, EmbeddingModel)
    texts = each(body.input)
    if len(texts) > MAX_INPUTS:
        found = f"input: found {len(texts)} inputs, expected at most {MAX_INPUTS}"
        raise BadRequest(found, param="input")
    if "" in texts:
        where = f"input.{texts.index('')}" if isinstance(body.input, list) else "input"
        raise BadRequest(f"{where}: the text is empty", param=where)
    return body, name


async def _placed(http: Request, registry: Registry, body: EmbeddingBody, name: str) -> Response:
    admission: Admission = http.app.state.admission
    async with (
        admission.slot(name, http.state.key),
        registry.lease(name, EmbeddingModel) as model,
    ):
        return await _embedded(body, model)


async def _embedded(body: EmbeddingBody, model: EmbeddingModel) -> Response:
    whole = model.engine.info.dimensions
    dimensions = body.dimensions or whole
    if dimensions > whole:
        raise BadRequest(
            f"dimensions: found {dimensions}; this model's vectors have {whole}", param="dimensions"
        )
    try:
        made = await model.engine.embed(list(map(_parts, each(body.input))))
        [account] = current().begin(1, [""])
        account.prompt_tokens, account.finish = made.prompt_tokens, "stop"
    except BadRequest as refusal:
        refusal.param = "input"
        raise
    size = sum(map(len, made.vectors))
    return await model.serializer.run(partial(_response, body, made, dimensions), size)


def _parts(text: str | list[int]) -> list[str | int]:
    return [text] if isinstance(text, str) else [*text]


def _response(body: EmbeddingBody, made: Embeddings, dimensions: int) -> Response:
    encoded = _in_base64 if body.encoding_format == "base64" else array.tolist
    data = [
        {"object": "embedding", "index": index, "embedding": encoded(_cut(one, dimensions))}
        for index, one in enumerate(made.vectors)
    ]
    usage = {"prompt_tokens": made.prompt_tokens, "total_tokens": made.prompt_tokens}
    whole = {"object": "list", "data": data, "model": body.model, "usage": usage}
    return Response(msgspec.json.encode(whole), media_type="application/json")


def _cut(vector: bytes, dimensions: int) -> array[float]:
    """Returns the first `dimensions` of `vector`, scaled to length 1."""
    whole = array("f", vector)
    if dimensions == len(whole):
        return whole
    cut = whole[:dimensions]
    length = hypot(*cut) or 1
    return array("f", (number / length for number in cut))


def _in_base64(vector: array[float]) -> str:
    return base64.b64encode(vector.tobytes()).decode()
