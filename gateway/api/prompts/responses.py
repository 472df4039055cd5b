"""The response schemas of the OpenAPI document; responses are not built from these."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class PlainText(BaseModel):
    text: str


class SpecialText(BaseModel):
    special: str


class RenderedPrompt(BaseModel):
    """`token_ids` and `cached_tokens` are null for a remote model, which does not tell them."""

    object: Literal["chat.completion.prompt"]
    model: str
    format: str
    max_model_len: int
    prompt: str
    prompt_parts: list[PlainText | SpecialText]
    token_ids: list[int] | None
    cached_tokens: int | None
    answer_prefix: str
    grammar: str | None
    trigger: str


class TokenPiece(BaseModel):
    id: int
    piece: str | list[int]


class TokenizedText(BaseModel):
    count: int
    max_model_len: int
    tokens: list[int] | list[TokenPiece]
    token_strs: list[str] | None


class DetokenizedText(BaseModel):
    prompt: str
    content: str
