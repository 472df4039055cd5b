"""Converts the body of a chat request into a `Request`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
from pydantic import ValidationError

from gateway.api.body import decoded
from gateway.api.body_size import is_deep
from gateway.api.openai.chat_body import (
    NO_LIMIT,
    AnyCall,
    Assistant,
    ChatBody,
    CustomCall,
    SamplingBody,
    System,
    TextPart,
    ToolCall,
    ToolMessage,
    User,
)
from gateway.api.openai.chat_constraints import constraint_schema
from gateway.api.openai.chat_functions import to_function_choice, to_function_tools
from gateway.api.openai.chat_tools import to_response_schema, to_tool_choice, to_tools
from gateway.chat.custom_tools import INPUT
from gateway.chat.json import Object
from gateway.chat.messages import Call, Message, Result, Speech, Tool, Turn
from gateway.chat.request import Request, Sampling, ToolChoice
from gateway.config.limits import Limits
from gateway.errors import BadRequest


def to_request(
    body: ChatBody,
    sampling: Sampling,
    thinking_budget: int | None = None,
    limits: Limits = Limits(),
) -> Request:
    """Returns the request; `sampling` and `thinking_budget` are the model's defaults.

    Raises BadRequest for what the body's types can't express: schemas, names, contradictions.
    """
    tools, tool_choice = _tools(body, limits)
    return Request(
        model=body.model,
        messages=tuple(_message(message) for message in body.messages),
        tools=() if "none" in (body.tool_choice, body.function_call) else tools,
        tool_choice=tool_choice,
        response_schema=constraint_schema(
            body, to_response_schema(body.response_format, limits), limits
        ),
        sampling=to_sampling(body, sampling),
        max_tokens=to_limit(body.max_completion_tokens or body.max_tokens),
        stop=to_stop(body),
        n=body.n or 1,
        top_logprobs=_top_logprobs(body),
        thinking_budget=to_limit(body.thinking_budget, thinking_budget),
        tool_call_probability=bool(body.tool_call_probability),
        tool_call_threshold=body.tool_call_threshold,
        reproducible=bool(body.reproducible),
        template_variables=_variables(body),
    )


def _tools(body: ChatBody, limits: Limits) -> tuple[tuple[Tool, ...], ToolChoice]:
    """The tools, and which of them may be called."""
    if body.functions:
        if body.tools:
            raise BadRequest("functions: `tools` has them too; use `tools` only", param="functions")
        tools = to_function_tools(body.functions, limits)
        return tools, to_function_choice(body.function_call, tools)
    tools = to_tools(body.tools or [], limits)
    parallel = body.parallel_tool_calls is not False
    return tools, to_tool_choice(body.tool_choice, tools, parallel=parallel)


def to_sampling(body: SamplingBody, defaults: Sampling) -> Sampling:
    """Returns the sampling parameters of `body`, or else the model's `defaults`."""
    given = {name: getattr(body, name) for name in Sampling.__slots__}
    merged = {n: getattr(defaults, n) if v is None else v for n, v in given.items()}
    return seeded(Sampling(**merged), reproducible=body.reproducible)


def seeded(sampling: Sampling, *, reproducible: bool | None) -> Sampling:
    """Gives a request that is to be `reproducible` a seed if it has none."""
    return replace(sampling, seed=0) if reproducible and sampling.seed is None else sampling


def to_stop(body: SamplingBody) -> tuple[str, ...]:
    return (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())


def to_limit(given: int | None, default: int | None = None) -> int | None:
    """Returns a number of tokens, or None for no limit; `default` is the model's."""
    limit = default if given is None else given
    return None if limit == NO_LIMIT else limit


def _top_logprobs(body: ChatBody) -> int | None:
    if body.top_logprobs is not None and not body.logprobs:
        raise BadRequest("top_logprobs needs `logprobs: true`", param="top_logprobs")
    return body.top_logprobs or 0 if body.logprobs else None


def _variables(body: ChatBody) -> Object:
    variables: Object = dict(body.chat_template_kwargs or {})
    if body.reasoning_effort is not None:
        variables["reasoning_effort"] = body.reasoning_effort
    return variables


# -- messages


def _message(message: System | User | Assistant | ToolMessage) -> Message:
    text = _text(message)
    match message:
        case System():
            return Speech("system", text)
        case User():
            return Speech("user", text)
        case ToolMessage():
            return Result(text, message.tool_call_id or "", message.name or "")
        case Assistant():
            calls = [_call(call) for call in message.tool_calls or []]
            calls += [_encoded_call(text) for text in message.tool_call or []]
            if message.function_call:
                calls.append(_call(ToolCall(function=message.function_call)))
            return Turn(text, message.reasoning_content or "", tuple(calls))


def _text(message: System | User | Assistant | ToolMessage) -> str:
    if isinstance(message.content, list):
        return "".join(
            part.text if isinstance(part, TextPart) else part.refusal for part in message.content
        )
    return message.content or ""


def _call(call: AnyCall) -> Call:
    if isinstance(call, CustomCall):
        return Call(call.custom.name, {INPUT: call.custom.input}, call.id or "")
    return Call(call.function.name, call_arguments(call.function.arguments), call.id or "")


def call_arguments(given: Any) -> Object:
    """Reads the arguments of an earlier call; what is not a JSON object becomes `malformed`."""
    arguments = given
    if isinstance(given, str):
        with suppress(msgspec.DecodeError, RecursionError):
            arguments = decoded(given) if given.strip() else None
    if arguments is None:
        return {}
    is_fit = isinstance(arguments, dict) and not is_deep(arguments)
    return arguments if is_fit else {"malformed": given}


def _encoded_call(text: str) -> Call:
    """Reads a call that is one JSON string."""
    try:
        return _call(ToolCall.model_validate(decoded(text)))
    except (msgspec.DecodeError, RecursionError, ValidationError) as error:
        raise BadRequest(
            f"tool_call: {text[:60]!r} is not a tool call", param="messages"
        ) from error
