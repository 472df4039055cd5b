"""Asking a model until it answers, and calling the functions that it asks for meanwhile."""

from __future__ import annotations

import inspect
from collections.abc import Callable, MutableSequence, Sequence
from typing import Any

from gateway.functions.dispatch import result
from gateway.functions.errors import FunctionError
from gateway.functions.schema import Function, name_of, schema

Message = dict[str, Any]


def run_tools(
    client: Any,
    model: str,
    messages: MutableSequence[Any],
    functions: Sequence[Function],
    *,
    max_turns: int = 10,
    on_event: Callable[[Any], None] | None = None,
    **request: Any,
) -> str:
    """Ask `model` until it answers, call the `functions` that it asks for, and return the answer.

    `client` is an `openai.OpenAI`, or has its shape. `messages` grows by all that is said, the
    answer last: to go on, add a message and call this again. `request` is whatever else
    `client.chat.completions.create` takes; its `tool_choice` holds for the first turn, as a loop
    whose every turn must call has no end. After `max_turns` turns with calls the model is asked
    once more, with no tool to call. With `on_event` answers are streamed, and it is given each
    event of the SDK's `client.chat.completions.stream`.

    Nothing that a model or a function does wrong is raised. A function that is not there,
    arguments that do not fit and an exception of the function's are results, which the model
    reads: `{"error": "..."}`. Text that a function returns is the result as it is; anything else
    is written as JSON.

    Raises FunctionError where a function can't be a tool, before anything is asked, and what
    `client` raises. `messages` then has all that was said so far.
    """
    known = _known(functions)
    request |= {"model": model, "messages": messages}
    if functions:
        request["tools"] = [_offered(function) for function in functions]
    for _ in range(max_turns):
        message = _asked(client, on_event, request)
        messages.append(_spoken(message))
        if not message.tool_calls:
            return message.content or ""
        messages.extend(_result(call, known) for call in message.tool_calls)
        request.pop("tool_choice", None)
    message = _asked(client, on_event, {**request, "tool_choice": "none"})
    messages.append({"role": "assistant", "content": message.content or ""})
    return message.content or ""


def _known(functions: Sequence[Function]) -> dict[str, Function]:
    known = {name_of(function): function for function in functions}
    if len(known) < len(functions):
        raise FunctionError(f"two functions have one name: {sorted(map(name_of, functions))}")
    for name, function in known.items():
        if inspect.iscoroutinefunction(function):
            raise FunctionError(f"{name} is async; define a function that runs it")
    return known


def _offered(function: Function) -> Message:
    """The tool without its `return`, which OpenAI's API does not have."""
    tool: Message = schema(function)
    tool["function"].pop("return", None)
    return tool


def _asked(client: Any, on_event: Callable[[Any], None] | None, request: Message) -> Any:
    if on_event is None:
        return client.chat.completions.create(**request).choices[0].message
    with client.chat.completions.stream(**request) as stream:
        for event in stream:
            on_event(event)
        return stream.get_final_completion().choices[0].message


def _spoken(message: Any) -> Message:
    """A message of the SDK's as one to send: its calls, and its thoughts if it has any."""
    spoken: Message = {"role": "assistant", "content": message.content}
    if getattr(message, "reasoning_content", None):
        spoken["reasoning_content"] = message.reasoning_content
    if message.tool_calls:
        spoken["tool_calls"] = [_call(call) for call in message.tool_calls]
    return spoken


def _call(call: Any) -> Message:
    function = {"name": call.function.name, "arguments": call.function.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _result(call: Any, known: dict[str, Function]) -> Message:
    text = result(known, call.function.name, call.function.arguments)
    return {"role": "tool", "tool_call_id": call.id, "content": text}
