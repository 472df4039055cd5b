"""POST /v1/chat/completions/render: what a model would be asked, without asking it."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response

from gateway.api.openai.chat import read_request
from gateway.api.serving import json_response, turn
from gateway.api.streaming import until_disconnect
from gateway.chat.json import Json, Object
from gateway.chat.request import Request as ChatRequest
from gateway.engine.generation import Tokens
from gateway.generate.prepare import Prepared, prepare
from gateway.models.model import ChatModel
from gateway.models.registry import Registry

router = APIRouter()


@router.post("/v1/chat/completions/render", response_model=None)
async def render(http: Request) -> Response:
    """Show the prompt of a conversation, its tokens and the grammar of the answer."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    read = partial(read_request, data, registry)
    _, request, (name, _) = await registry.serializer.run(read, len(data))
    return await until_disconnect(http, _rendered(http, name, request, len(data)))


async def _rendered(http: Request, name: str, request: ChatRequest, size: int) -> Response:
    async with turn(http, name, ChatModel) as model:
        prepared = await prepare(request, model, size=size)
        tokens = None
        if model.engine.features.tells_tokens:
            tokens = await model.engine.tokenize(prepared.generation.prompt)
        return await json_response(partial(_object, request, model, prepared, tokens))


def _object(
    request: ChatRequest, model: ChatModel, prepared: Prepared, tokens: Tokens | None
) -> Object:
    texts = {id: text for text, id in model.special.items()}
    parts: list[Json] = [
        {"special": texts[part]} if isinstance(part, int) else {"text": part}
        for part in prepared.prompt.parts
    ]
    return {
        "object": "chat.completion.prompt",
        "model": request.model,
        "format": model.format.name,
        "max_model_len": model.engine.info.context,
        "prompt": prepared.prompt.text,
        "prompt_parts": parts,
        "token_ids": [*tokens.ids] if tokens else None,
        "cached_tokens": tokens.cached if tokens else None,
        "answer_prefix": prepared.prompt.answer_prefix,
        "grammar": prepared.generation.grammar,
        "trigger": model.format.trigger,
    }
