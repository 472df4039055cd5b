"""The tool-calling loop of a client."""

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
    """Query `model` and execute its tool calls until it answers without one; return the answer.

    - `client`: an `openai.OpenAI`, or an object with its interface.
    - `messages`: the conversation so far. All new messages are appended, the answer last; to
      continue, append a user message and call `run_tools` again.
    - `functions`: the tools; see `schema` for what they need.
    - `max_turns`: after this many turns with tool calls, the model is queried once more with
      `tool_choice="none"`.
    - `on_event`: if given, answers are streamed, and it receives every event of
      `client.chat.completions.stream`.
    - `request`: further parameters of `client.chat.completions.create`. `tool_choice` applies to
      the first turn only, since a loop that must always call a tool would not end.

    A string that a function returns is its result as it is; any other value is encoded as JSON.
    Errors of a call are results, too, so that the model can react: an unknown function, invalid
    arguments or an exception in the function give `{"error": "..."}`.

    Raises FunctionError before the first query if a function cannot be a tool, and whatever
    `client` raises; `messages` then has the messages so far.
    """
    named = by_name(functions)
    request |= {"model": model, "messages": messages}
    if functions:
        request["tools"] = [as_tool(function) for function in functions]
    for _ in range(max_turns):
        message = _query(client, on_event, request)
        messages.append(_as_dict(message))
        if not message.tool_calls:
            return message.content or ""
        messages.extend(_result(call, named) for call in message.tool_calls)
        request.pop("tool_choice", None)
    message = _query(client, on_event, {**request, "tool_choice": "none"})
    messages.append({"role": "assistant", "content": message.content or ""})
    return message.content or ""


def by_name(functions: Sequence[Function]) -> dict[str, Function]:
    """The functions by the names of their tools; raises FunctionError."""
    named = {name_of(function): function for function in functions}
    if len(named) < len(functions):
        raise FunctionError(f"two functions have the same name: {sorted(map(name_of, functions))}")
    for name, function in named.items():
        if inspect.iscoroutinefunction(function):
            raise FunctionError(f"{name} is async; wrap it in a function that runs it")
    return named


def as_tool(function: Function) -> Message:
    """The tool without `return`, which the OpenAI API does not have; raises FunctionError."""
    tool: Message = schema(function)
    tool["function"].pop("return", None)
    return tool


def _query(client: Any, on_event: Callable[[Any], None] | None, request: Message) -> Any:
    if on_event is None:
        return client.chat.completions.create(**request).choices[0].message
    with client.chat.completions.stream(**request) as stream:
        for event in stream:
            on_event(event)
        return stream.get_final_completion().choices[0].message


def _as_dict(message: Any) -> Message:
    """A response message of the SDK as a request message, with its tool calls and reasoning."""
    sent: Message = {"role": "assistant", "content": message.content}
    if getattr(message, "reasoning_content", None):
        sent["reasoning_content"] = message.reasoning_content
    if message.tool_calls:
        sent["tool_calls"] = [_call(call) for call in message.tool_calls]
    return sent


def _call(call: Any) -> Message:
    function = {"name": call.function.name, "arguments": call.function.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _result(call: Any, functions: dict[str, Function]) -> Message:
    text = result(functions, call.function.name, call.function.arguments)
    return {"role": "tool", "tool_call_id": call.id, "content": text}
