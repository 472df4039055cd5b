"""The response schemas of the OpenAPI document; responses are not built from these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class Fault(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class Envelope(BaseModel):
    """An error; in a stream it is the last event."""

    error: Fault


class CalledFunction(BaseModel):
    name: str
    arguments: str


class Called(BaseModel):
    id: str
    type: Literal["function"]
    function: CalledFunction
    probability: float | None = None


class Answer(BaseModel):
    role: Literal["assistant"]
    content: str | None
    reasoning_content: str | None = None
    tool_calls: list[Called] | None = None
    function_call: CalledFunction | None = None


class ChatChoice(BaseModel):
    """`notes` says what was repaired, cut off or not enforced.

    `tool_call_probability` is there if it was requested, and so is `probability` in each call.
    """

    index: int
    message: Answer
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length", "tool_calls", "function_call"]
    tool_call_probability: float | None = None
    notes: list[str] = []


class Tokens(BaseModel):
    prompt_tokens: int
    total_tokens: int


class WrittenTokens(Tokens):
    completion_tokens: int


class Written(BaseModel):
    id: str
    created: int
    model: str
    usage: WrittenTokens


class ChatCompletion(Written):
    object: Literal["chat.completion"]
    choices: list[ChatChoice]


class TextChoice(BaseModel):
    index: int
    text: str
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length"]
    notes: list[str] = []


class TextCompletion(Written):
    object: Literal["text_completion"]
    choices: list[TextChoice]


class Vector(BaseModel):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class Vectors(BaseModel):
    object: Literal["list"]
    data: list[Vector]
    model: str
    usage: Tokens


class ModelCard(BaseModel):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    aliases: list[str]
    loaded: bool
    state: str
    reason: str | None
    capabilities: dict[str, bool | None]
    max_model_len: int
    type: Literal["model"]
    display_name: str
    created_at: str
    lifecycle: Literal["active"]
    max_input_tokens: int
    max_tokens: int


class ModelCards(BaseModel):
    object: Literal["list"]
    data: list[ModelCard]
    has_more: bool
    first_id: str
    last_id: str
