"""POST /v1/completions."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from gateway.api.disconnect import begun, until_hang_up
from gateway.api.model_kind import check_writes
from gateway.api.openai.chat_body import read_as
from gateway.api.openai.completions_body import CompletionBody, to_completion
from gateway.api.openai.completions_stream import CompletionChunks
from gateway.api.serving import Parts, parts_of, rendered
from gateway.chat.request import Sampling
from gateway.generate.completion import Completion, complete
from gateway.models.registry import Registry

router = APIRouter()


@router.post("/v1/completions", response_model=None)
async def completions(http: Request) -> Response:
    """Continue raw prompts, without a chat template.

    Text is read as plain text: `<|im_end|>` in it is not the control token, so that text from
    elsewhere can't forge one. A caller who means control tokens sends the prompt as token ids, or
    says `special: true`, by which the marks of special tokens in the text become these. What a
    model wants before every text is put there, unless the prompt begins with it.
    """
    registry: Registry = http.app.state.registry
    data = await http.body()
    body, asked = await registry.serializer.run(partial(_read, data, registry), len(data))
    chunks = CompletionChunks(body.model, len(asked.prompts), asked.answers)
    slots = len(asked.prompts) * asked.answers
    parts = parts_of(http, body.model, partial(complete, asked), slots, body.timeout_s)
    if not body.stream:
        return await until_hang_up(http, _whole(chunks, parts))
    wants_usage = bool(body.stream_options and body.stream_options.include_usage)
    return await begun(http, rendered(parts, chunks, wants_usage))


def _read(data: bytes, registry: Registry) -> tuple[CompletionBody, Completion]:
    body = read_as(CompletionBody, data, "the body", registry.config.limits)
    check_writes(registry, body.model)
    _, entry = registry.entry(body.model)
    return body, to_completion(body, Sampling(**entry.sampling.model_dump()))


async def _whole(chunks: CompletionChunks, parts: Parts) -> Response:
    return JSONResponse(chunks.fold([chunk async for chunk in rendered(parts, chunks)]))
