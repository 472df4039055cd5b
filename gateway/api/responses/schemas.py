"""The response schemas of the OpenAPI document; responses are not built from these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class ResponseTokens(BaseModel):
    input_tokens: int
    output_tokens: int
    total_tokens: int


class ResponseAnswer(BaseModel):
    """`notes` says what was left out of the request, repaired, cut off or not enforced."""

    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
    error: dict[str, Any] | None
    incomplete_details: dict[str, Any] | None
    model: str
    output: list[dict[str, Any]]
    usage: ResponseTokens | None
    notes: list[str] = []


class InputItems(BaseModel):
    object: Literal["list"]
    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedResponse(BaseModel):
    id: str
    object: Literal["response"]
    deleted: bool


class InputTokens(BaseModel):
    object: Literal["response.input_tokens"]
    input_tokens: int
