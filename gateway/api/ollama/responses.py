"""The response schemas of the OpenAPI document; responses are not built from these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class OllamaEnvelope(BaseModel):
    """An error; in a stream it is the last line."""

    error: str


class Version(BaseModel):
    version: str


class Details(BaseModel):
    parent_model: str
    format: str
    family: str
    families: list[str]
    parameter_size: str
    quantization_level: str


class Card(BaseModel):
    name: str
    model: str
    size: int
    digest: str
    details: Details


class ListedModel(Card):
    modified_at: str


class ListedModels(BaseModel):
    models: list[ListedModel]


class RunningModel(Card):
    size_vram: int
    expires_at: str
    context_length: int


class RunningModels(BaseModel):
    models: list[RunningModel]


class ShownModel(BaseModel):
    modelfile: str
    parameters: str
    template: str
    details: Details
    model_info: dict[str, Any]
    capabilities: list[Literal["completion", "tools", "thinking", "embedding"]]
    modified_at: str


class ChatCallFunction(BaseModel):
    index: int
    name: str
    arguments: dict[str, Any]


class ChatCall(BaseModel):
    id: str
    function: ChatCallFunction


class ChatMessage(BaseModel):
    role: Literal["assistant"]
    content: str
    thinking: str | None = None
    tool_calls: list[ChatCall] | None = None


class Answered(BaseModel):
    """Durations are in nanoseconds; `notes` says what was repaired, cut off or not enforced."""

    model: str
    created_at: str
    done: bool
    done_reason: Literal["stop", "length", "load", "unload"] | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: int | None = None
    eval_count: int | None = None
    eval_duration: int | None = None
    logprobs: list[dict[str, Any]] | None = None
    notes: list[str] = []


class ChatAnswer(Answered):
    message: ChatMessage


class GenerateAnswer(Answered):
    response: str
    thinking: str | None = None


class EmbedAnswer(BaseModel):
    model: str
    embeddings: list[list[float]]
    prompt_eval_count: int
    total_duration: int
