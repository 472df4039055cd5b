"""POST /v1/completions."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response

from gateway.api.body import read_as
from gateway.api.openai.completions.body import CompletionBody, to_completion
from gateway.api.openai.completions.stream import CompletionRenderer
from gateway.api.serving import resolve, respond, serve
from gateway.chat.request import Sampling
from gateway.generate.completion import Completion, complete
from gateway.models.model import ChatModel
from gateway.models.registry import Registry

router = APIRouter()


@router.post("/v1/completions", response_model=None)
async def completions(http: Request) -> Response:
    """Continue raw prompts, without a chat template.

    Text is plain text: `<|im_end|>` in it is not the control token, so text from elsewhere can't
    forge one. To use control tokens, send the prompt as token ids, or set `special: true`, which
    reads the texts of special tokens as these. A BOS token that the model expects is added, unless
    the prompt begins with it.
    """
    registry: Registry = http.app.state.registry
    data = await http.body()
    read_body = partial(_read, data, registry)
    body, request, name = await registry.serializer.run(read_body, len(data))
    prompts, answers = len(request.prompts), len(request.prompts) * request.n
    renderer = CompletionRenderer(body.model, prompts, request.n, include_usage=body.include_usage)
    events = serve(http, name, partial(complete, request), answers, body.timeout_s)
    return await respond(http, events, renderer, stream=bool(body.stream), answers=answers)


def _read(data: bytes, registry: Registry) -> tuple[CompletionBody, Completion, str]:
    body = read_as(CompletionBody, data, "the body", registry.config.limits)
    name, entry = resolve(registry, body.model, ChatModel)
    return body, to_completion(body, Sampling(**entry.sampling.model_dump())), name
