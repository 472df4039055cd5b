"""Makes embeddings for a request, whatever the dialect."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import partial
from math import hypot
from typing import Any, TypeAlias

import msgspec
from fastapi import Request, Response

from gateway.api.serving import turn
from gateway.api.streaming import until_disconnect
from gateway.engine.generation import Embeddings
from gateway.errors import BadRequest
from gateway.models.model import EmbeddingModel
from gateway.observe.trace import current

MAX_INPUTS = 2048  # as in the OpenAI API

Input: TypeAlias = str | list[int]
# Makes the body of a response of the vectors and the number of tokens of all inputs.
Render: TypeAlias = "Callable[[Sequence[array[float]], int], dict[str, Any]]"


def check_inputs(inputs: Sequence[Input], *, is_list: bool) -> None:
    """Raises BadRequest for too many inputs and for an empty text."""
    if len(inputs) > MAX_INPUTS:
        found = f"input: found {len(inputs)} inputs, expected at most {MAX_INPUTS}"
        raise BadRequest(found, param="input")
    if "" in inputs:
        where = f"input.{inputs.index('')}" if is_list else "input"
        raise BadRequest(f"{where}: the text is empty", param=where)


async def respond_with_vectors(
    http: Request, name: str, inputs: Sequence[Input], dimensions: int | None, render: Render
) -> Response:
    """Embeds each input with the model `name` once it is the request's turn.

    The vectors have length 1 and the model's `dimensions` unless fewer are given.
    """
    return await until_disconnect(http, _placed(http, name, inputs, dimensions, render))


async def _placed(
    http: Request, name: str, inputs: Sequence[Input], dimensions: int | None, render: Render
) -> Response:
    current().operation = "embeddings"
    async with turn(http, name, EmbeddingModel) as model:
        return await _embedded(model, inputs, dimensions, render)


async def _embedded(
    model: EmbeddingModel, inputs: Sequence[Input], dimensions: int | None, render: Render
) -> Response:
    whole = model.engine.info.dimensions
    if dimensions is not None and dimensions > whole:
        raise BadRequest(
            f"dimensions: found {dimensions}; this model's vectors have {whole}", param="dimensions"
        )
    try:
        made = await model.engine.embed(list(map(_parts, inputs)))
        [account] = current().begin(1, [""])
        account.prompt_tokens, account.finish = made.prompt_tokens, "stop"
    except BadRequest as refusal:
        refusal.param = "input"
        raise
    size = sum(map(len, made.vectors))
    return await model.serializer.run(partial(_response, made, dimensions or whole, render), size)


def _parts(text: Input) -> list[str | int]:
    return [text] if isinstance(text, str) else [*text]


def _response(made: Embeddings, dimensions: int, render: Render) -> Response:
    vectors = [_cut(vector, dimensions) for vector in made.vectors]
    body = msgspec.json.encode(render(vectors, made.prompt_tokens))
    return Response(body, media_type="application/json")


def _cut(vector: bytes, dimensions: int) -> array[float]:
    """Returns the first `dimensions` of `vector`, scaled to length 1."""
    whole = array("f", vector)
    if dimensions == len(whole):
        return whole
    cut = whole[:dimensions]
    length = hypot(*cut) or 1
    return array("f", (number / length for number in cut))
