"""Tools of the end-to-end tests."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from jsonschema import Draft202012Validator
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageFunctionToolCall

WEATHER: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather in a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "The city, e.g. Paris"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city"],
        },
    },
}

TODO: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "create_todo",
        "description": "Add an entry to the todo list",
        "parameters": {
            "type": "object",
            "properties": {
                "title": {"type": "string"},
                "priority": {"type": "integer", "minimum": 1, "maximum": 5},
                "is_done": {"type": "boolean"},
            },
            "required": ["title", "priority"],
            "additionalProperties": False,
        },
    },
}

# An answer under this schema has hundreds of tokens; longer bounds are not enforced.
ENDLESS: Any = {
    "type": "json_schema",
    "json_schema": {"name": "endless", "schema": {"type": "string", "minLength": 2000}},
}


def bounded(tool: ChatCompletionFunctionToolParam, most: int) -> ChatCompletionFunctionToolParam:
    """Returns a copy of `tool` whose strings have at most `most` characters."""
    made = deepcopy(tool)
    parameters: Any = made["function"]["parameters"]
    for schema in parameters["properties"].values():
        if schema["type"] == "string" and "enum" not in schema:
            schema["maxLength"] = most
    return made


def within(tool: ChatCompletionFunctionToolParam, *cities: str) -> ChatCompletionFunctionToolParam:
    """Returns a copy of `tool` that accepts only `cities`."""
    made = deepcopy(tool)
    parameters: Any = made["function"]["parameters"]
    parameters["properties"]["city"]["enum"] = [*cities]
    return made


def checked(tool: ChatCompletionFunctionToolParam, call: Any) -> dict[str, Any]:
    """Returns the arguments of `call`; asserts that it calls `tool` and matches its schema."""
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert call.function.name == tool["function"]["name"]
    arguments: dict[str, Any] = json.loads(call.function.arguments)
    Draft202012Validator(tool["function"]["parameters"]).validate(arguments)
    return arguments
