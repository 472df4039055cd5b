"""POST /tokenize and POST /detokenize, as vLLM and as llama-server have them.

Sources: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html and llama.cpp's
tools/server/README.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from fastapi import APIRouter, Request, Response

from gateway.api.body import RequestBody, read_as
from gateway.api.openai.token_input import AnyTokens
from gateway.api.serving import json_response, resolve, turn
from gateway.api.streaming import until_disconnect
from gateway.chat.json import Json, Object
from gateway.errors import BadRequest
from gateway.generate.completion import prompt_parts
from gateway.models.model import ChatModel, EmbeddingModel, Model
from gateway.models.registry import Registry, Resolved

router = APIRouter()


class TokenizeBody(RequestBody):
    """The body of POST /tokenize: vLLM's has a `prompt`, llama-server's has `content`."""

    model: str
    prompt: str | None = None
    content: str | None = None
    add_special_tokens: bool | None = None  # vLLM
    add_special: bool | None = None  # llama-server
    parse_special: bool | None = None  # llama-server
    return_token_strs: bool | None = None  # vLLM
    with_pieces: bool | None = None  # llama-server

    unsupported: ClassVar[dict[str, str]] = {
        "messages": "/v1/chat/completions/render returns the tokens of a conversation",
    }

    @property
    def text(self) -> str:
        """The text of either field; raises BadRequest for none and for two."""
        texts = [text for text in (self.prompt, self.content) if text is not None]
        if len(texts) != 1:
            raise BadRequest(
                f"prompt: found {len(texts)} texts; send either `prompt` or `content`",
                param="prompt",
            )
        return texts[0]

    @property
    def adds_special(self) -> bool:
        """Whether to add what the model expects around every text: by default vLLM's does."""
        given = (self.add_special_tokens, self.add_special)
        return next((one for one in given if one is not None), self.content is None)


class DetokenizeBody(RequestBody):
    """The body of POST /detokenize."""

    model: str
    tokens: AnyTokens


@router.post("/tokenize", response_model=None)
async def tokenize(http: Request) -> Response:
    """Tokenize a text; unless `parse_special` is false, texts of special tokens are these."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    read = partial(read_as, TokenizeBody, data, "the body", registry.config.limits)
    body = await registry.serializer.run(read, len(data))
    resolved, text = resolve(registry, body.model), body.text
    return await until_disconnect(http, _tokenized(http, resolved, body, text))


@router.post("/detokenize", response_model=None)
async def detokenize(http: Request) -> Response:
    """Return the text of tokens; that of a special token is its name."""
    registry: Registry = http.app.state.registry
    data = await http.body()
    read = partial(read_as, DetokenizeBody, data, "the body", registry.config.limits)
    body = await registry.serializer.run(read, len(data))
    return await until_disconnect(http, _detokenized(http, resolve(registry, body.model), body))


async def _tokenized(http: Request, resolved: Resolved, body: TokenizeBody, text: str) -> Response:
    async with turn(http, resolved.name, _kind(resolved)) as model:
        info = model.engine.info
        special = {} if body.parse_special is False else info.special_ids
        parts = await asyncio.to_thread(prompt_parts, text, special)
        ids = (await model.engine.tokenize(parts, add_special=body.adds_special)).ids
        has_pieces = body.return_token_strs or body.with_pieces
        pieces = await model.engine.pieces(ids) if has_pieces else []
        return await json_response(partial(_object, body, ids, pieces, info.context))


def _object(
    body: TokenizeBody, ids: Sequence[int], pieces: Sequence[bytes], context: int
) -> Object:
    tokens: list[Json] = [*ids]
    if body.with_pieces:
        tokens = [{"id": id, "piece": _piece(piece)} for id, piece in zip(ids, pieces, strict=True)]
    strings: list[Json] = [_text(piece) for piece in pieces]
    return {
        "count": len(ids),
        "max_model_len": context,
        "tokens": tokens,
        "token_strs": strings if body.return_token_strs else None,
    }


async def _detokenized(http: Request, resolved: Resolved, body: DetokenizeBody) -> Response:
    async with turn(http, resolved.name, _kind(resolved)) as model:
        try:
            pieces = await model.engine.pieces(body.tokens)
        except BadRequest as error:
            error.param = "tokens"
            raise
        text = _text(b"".join(pieces))
        return await json_response(lambda: {"prompt": text, "content": text})


def _kind(resolved: Resolved) -> type[Model]:
    return EmbeddingModel if resolved.entry.embeddings else ChatModel


def _piece(piece: bytes) -> Json:
    """A token as text, or as its bytes if it is no text by itself, as in llama-server's API."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return [*piece]


def _text(piece: bytes) -> str:
    return piece.decode(errors="replace")
