"""Completes the OpenAPI document: most routes parse and build JSON without FastAPI."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.api.anthropic.body import MessagesBody, PromptBody
from gateway.api.anthropic.responses import AnthropicEnvelope, TokenCount, WrittenMessage
from gateway.api.body import Body
from gateway.api.captures.responses import CapturedRequest, CaptureList
from gateway.api.errors import for_path
from gateway.api.management.responses import Health, Liveness, ModelState, Readiness
from gateway.api.ollama import body as ollama_body
from gateway.api.ollama import responses as ollama
from gateway.api.openai.chat_body import ChatBody
from gateway.api.openai.completions.body import CompletionBody
from gateway.api.openai.embeddings import EmbeddingBody
from gateway.api.openai.responses import (
    ChatCompletion,
    Envelope,
    ModelCard,
    ModelCards,
    TextCompletion,
    Vectors,
)
from gateway.api.playground.responses import Description
from gateway.api.prompts.responses import DetokenizedText, RenderedPrompt, TokenizedText
from gateway.api.prompts.tokenize import DetokenizeBody, TokenizeBody
from gateway.api.responses.body import ResponseBody
from gateway.api.responses.schemas import DeletedResponse, InputItems, InputTokens, ResponseAnswer

JSON, EVENTS, LINES = "application/json", "text/event-stream", "application/x-ndjson"
BODIES: dict[str, type[Body]] = {
    "/v1/chat/completions": ChatBody,
    "/v1/chat/completions/render": ChatBody,
    "/v1/responses": ResponseBody,
    "/v1/responses/input_tokens": ResponseBody,
    "/v1/completions": CompletionBody,
    "/v1/embeddings": EmbeddingBody,
    "/tokenize": TokenizeBody,
    "/detokenize": DetokenizeBody,
    "/v1/messages": MessagesBody,
    "/v1/messages/count_tokens": PromptBody,
    "/api/chat": ollama_body.OllamaChatBody,
    "/api/generate": ollama_body.GenerateBody,
    "/api/embed": ollama_body.EmbedBody,
    "/api/show": ollama_body.ShowBody,
}
# By path, or by method and path where the methods of a path differ.
ANSWERS: dict[str, dict[str, type[BaseModel] | None]] = {
    "/v1/chat/completions": {JSON: ChatCompletion, EVENTS: None},
    "/v1/chat/completions/render": {JSON: RenderedPrompt},
    "/v1/responses": {JSON: ResponseAnswer, EVENTS: None},
    "/v1/responses/input_tokens": {JSON: InputTokens},
    "/v1/responses/{id}": {JSON: ResponseAnswer, EVENTS: None},
    "DELETE /v1/responses/{id}": {JSON: DeletedResponse},
    "/v1/responses/{id}/cancel": {JSON: ResponseAnswer},
    "/v1/responses/{id}/input_items": {JSON: InputItems},
    "/v1/completions": {JSON: TextCompletion, EVENTS: None},
    "/v1/embeddings": {JSON: Vectors},
    "/tokenize": {JSON: TokenizedText},
    "/detokenize": {JSON: DetokenizedText},
    "/v1/messages": {JSON: WrittenMessage, EVENTS: None},
    "/v1/messages/count_tokens": {JSON: TokenCount},
    "/api/version": {JSON: ollama.Version},
    "/api/tags": {JSON: ollama.ListedModels},
    "/api/ps": {JSON: ollama.RunningModels},
    "/api/show": {JSON: ollama.ShownModel},
    "/api/chat": {JSON: ollama.ChatAnswer, LINES: None},
    "/api/generate": {JSON: ollama.GenerateAnswer, LINES: None},
    "/api/embed": {JSON: ollama.EmbedAnswer},
    "/v1/models": {JSON: ModelCards},
    "/v1/models/{name}": {JSON: ModelCard},
    "/v1/models/{name}/load": {JSON: ModelState},
    "/v1/models/{name}/unload": {JSON: ModelState},
    "/": {JSON: Description, "text/html": None},
    "/health": {JSON: Health},
    "/livez": {JSON: Liveness},
    "/readyz": {JSON: Readiness},
    "/captures": {JSON: CaptureList},
    "/captures/{id}": {JSON: CapturedRequest},
    "/captures/{id}/events": {EVENTS: None},
    "/metrics": {"text/plain": None, "application/openmetrics-text": None},
}
ERRORS: dict[str, type[BaseModel]] = {
    "/v1/messages": AnthropicEnvelope,
    "/api/": ollama.OllamaEnvelope,
}
PLACE = "#/components/schemas/{model}"


def install(app: FastAPI) -> None:
    """Makes the document of `app`, and so `/docs`, show the body and response of each route."""
    own = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(own())
        return own()

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    answers = [kind for contents in ANSWERS.values() for kind in contents.values() if kind]
    kinds: list[type[BaseModel]] = [*BODIES.values(), *answers, *ERRORS.values(), Envelope]
    schemas, definitions = models_json_schema(
        [(kind, "validation") for kind in kinds], ref_template=PLACE
    )
    # FastAPI's own schemas are those of its errors, which no client gets.
    document["components"] = {"schemas": definitions["$defs"]}
    shown = {kind: {"schema": schemas[kind, "validation"]} for kind in kinds}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            contents = ANSWERS.get(f"{method.upper()} {path}") or ANSWERS[path]
            error = for_path(path, ERRORS) or Envelope
            operation["responses"] = _responses(contents, error, shown)
            if body := BODIES.get(path):
                operation["requestBody"] = {"required": True, "content": {JSON: shown[body]}}


def _responses(
    answers: dict[str, type[BaseModel] | None],
    error: type[BaseModel],
    shown: dict[type[BaseModel], dict[str, Any]],
) -> dict[str, Any]:
    content = {kind: shown[answer] if answer else {} for kind, answer in answers.items()}
    return {
        "200": {"description": "The answer", "content": content},
        "default": {"description": "An error", "content": {JSON: shown[error]}},
    }
