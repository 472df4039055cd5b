"""Turns messages and tools into the values that chat templates get, as transformers passes them."""

from __future__ import annotations

from datetime import datetime

from gateway.chat.json import Json, Object
from gateway.chat.messages import Call, Message, Result, Speech, Tool, Turn
from gateway.prompt.jinja import to_json
from gateway.prompt.quirks import Quirks


def message_value(message: Message, quirks: Quirks) -> Json:
    match message:
        case Speech(role, text):
            return {"role": role, "content": text}
        case Result(text, call_id, name):
            return {"role": "tool", "content": text, "tool_call_id": call_id, "name": name}
        case Turn(text, reasoning, calls):
            value = {"role": "assistant", "content": text} | _reasoning(text, reasoning, quirks)
            if calls:
                value["tool_calls"] = [_call(call, quirks) for call in calls]
            return value


def _reasoning(text: str, reasoning: str, quirks: Quirks) -> Object:
    """The reasoning of a turn, under the key where the template expects it."""
    if not reasoning:
        return {}
    if quirks.reasoning_as_content_part:
        part: Json = {"type": "thinking", "thinking": reasoning}
        return {"content": [part, {"type": "text", "text": text}] if text else [part]}
    if quirks.reasoning_key_thinking:
        return {"thinking": reasoning}
    return {"reasoning" if quirks.reasoning_key_reasoning else "reasoning_content": reasoning}


def _call(call: Call, quirks: Quirks) -> Object:
    arguments = to_json(call.arguments) if quirks.arguments_as_text else call.arguments
    function: Object = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def tool_value(tool: Tool) -> Object:
    function: Object = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}


def functions_variables(tools: list[Json]) -> Object:
    """The variables that Firefunction's template takes: tools as JSON text, and the time."""
    functions: list[Json] = [tool["function"] for tool in tools if isinstance(tool, dict)]
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    return {"functions": to_json(functions, indent=4), "datetime": now}
