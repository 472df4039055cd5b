"""Converts the bodies of Ollama's API into a `Request` or a `Completion`."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api.ollama.body import (
    NO_IMAGES,
    AnswerBody,
    GenerateBody,
    Message,
    OllamaChatBody,
    Options,
)
from gateway.api.openai.chat_body import FunctionTool
from gateway.api.openai.chat_request import call_arguments, to_sampling, to_stop
from gateway.api.openai.chat_tools import to_tools
from gateway.api.tools import checked_schema
from gateway.chat.json import Object
from gateway.chat.messages import Call, Result, Speech, Turn
from gateway.chat.messages import Message as ChatMessage
from gateway.chat.request import Request, Sampling, ToolChoice
from gateway.config.limits import Limits
from gateway.errors import BadRequest
from gateway.generate.completion import Completion

THINKS, DOES_NOT_THINK = "medium", "none"


def to_chat(
    body: OllamaChatBody,
    sampling: Sampling,
    thinking_budget: int | None = None,
    limits: Limits = Limits(),
) -> Request:
    """Returns the request; `sampling` and `thinking_budget` are the model's defaults.

    Raises BadRequest for images, and for tools and schemas that are invalid or too large.
    """
    messages = [_message(i, message) for i, message in enumerate(body.messages or ())]
    return _request(body, messages, body.tools or [], sampling, thinking_budget, limits)


def to_generate(
    body: GenerateBody,
    sampling: Sampling,
    thinking_budget: int | None = None,
    limits: Limits = Limits(),
) -> Request:
    """Returns the request to answer a prompt; raises BadRequest for an invalid schema."""
    messages = [Speech("user", body.prompt or "")]
    if body.system:
        messages.insert(0, Speech("system", body.system))
    return _request(body, messages, [], sampling, thinking_budget, limits)


def to_raw(body: GenerateBody, sampling: Sampling) -> Completion:
    """Returns the request to continue a raw prompt, whose special tokens are read as these."""
    if body.format:
        raise BadRequest("format: a raw prompt can have none", param="format")
    options = body.options or Options()
    return Completion(
        prompts=(body.prompt or "",),
        sampling=to_sampling(options, sampling),
        max_tokens=_max_tokens(options),
        special=True,
        stop=to_stop(options),
        top_logprobs=_top_logprobs(body),
        reproducible=bool(options.reproducible),
    )


def unloads(body: AnswerBody) -> bool:
    """Whether a request without a prompt asks to unload the model, not to load it."""
    return body.keep_alive in (0, "0", "0s", "0m")


def _request(
    body: AnswerBody,
    messages: Sequence[ChatMessage],
    tools: Sequence[FunctionTool],
    sampling: Sampling,
    thinking_budget: int | None,
    limits: Limits,
) -> Request:
    options = body.options or Options()
    offered = to_tools(tools, limits)
    return Request(
        model=body.model,
        messages=tuple(messages),
        tools=offered,
        tool_choice=ToolChoice(tuple(tool.name for tool in offered)),
        response_schema=_response_schema(body, limits),
        sampling=to_sampling(options, sampling),
        max_tokens=_max_tokens(options),
        stop=to_stop(options),
        top_logprobs=_top_logprobs(body),
        reproducible=bool(options.reproducible),
        thinking_budget=thinking_budget,
        template_variables=_variables(body.think),
    )


def _message(index: int, message: Message) -> ChatMessage:
    if message.images:
        where = f"messages.{index}.images"
        raise BadRequest(f"{where}: {NO_IMAGES}", param=where)
    text = message.content or ""
    match message.role:
        case "assistant":
            calls = (
                Call(one.function.name, call_arguments(one.function.arguments), one.id or "")
                for one in message.tool_calls or ()
            )
            return Turn(text, message.thinking or "", tuple(calls))
        case "tool":
            return Result(text, message.tool_call_id or "", message.tool_name or "")
    return Speech(message.role, text)


def _response_schema(body: AnswerBody, limits: Limits) -> Object | None:
    match body.format:
        case None | "":
            return None
        case "json":
            return {"type": "object"}
        case dict(schema):
            return checked_schema(schema, "format", limits)


def _max_tokens(options: Options) -> int | None:
    limit = options.num_predict
    return None if limit is None or limit < 0 else limit


def _top_logprobs(body: AnswerBody) -> int | None:
    return body.top_logprobs or 0 if body.logprobs else None


def _variables(think: bool | str | None) -> Object:
    """A level of thinking, or its switch; without one, the chat template decides."""
    match think:
        case None | "":
            return {}
        case True:
            return {"reasoning_effort": THINKS}
        case False:
            return {"reasoning_effort": DOES_NOT_THINK}
    return {"reasoning_effort": think}
