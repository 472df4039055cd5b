"""The response schemas of the OpenAPI document; responses are not built from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field


class AnthropicFault(BaseModel):
    type: str
    message: str


class AnthropicEnvelope(BaseModel):
    """An error; in a stream it is the last event."""

    type: Literal["error"]
    error: AnthropicFault
    request_id: str


class WrittenText(BaseModel):
    type: Literal["text"]
    text: str


class WrittenThought(BaseModel):
    type: Literal["thinking"]
    thinking: str
    signature: str


class WrittenCall(BaseModel):
    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]


class ThinkingTokens(BaseModel):
    thinking_tokens: int


class MessageTokens(BaseModel):
    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: ThinkingTokens


class WrittenMessage(BaseModel):
    """`notes` says what was repaired, cut off or not enforced."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[
        Annotated[WrittenText | WrittenThought | WrittenCall, Field(discriminator="type")]
    ]
    stop_reason: Literal["end_turn", "stop_sequence", "max_tokens", "tool_use"]
    stop_sequence: str | None
    usage: MessageTokens
    notes: list[str] = []


class TokenCount(BaseModel):
    input_tokens: int
