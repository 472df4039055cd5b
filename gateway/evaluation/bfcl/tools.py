"""Converts the functions of the Berkeley Function Calling Leaderboard to tools.

They are converted as its package `bfcl-eval` does for servers with the OpenAI chat API, so that
scores are comparable. Its schemas name types in Python's, Java's and JavaScript's words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

TYPES = {
    **dict.fromkeys(("integer", "byte", "short", "long", "Bigint"), "integer"),
    **dict.fromkeys(("number", "float", "double"), "number"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys(("array", "list", "tuple", "ArrayList", "Array", "Queue", "Stack"), "array"),
    **dict.fromkeys(("object", "dict", "HashMap", "Hashtable"), "object"),
}
LANGUAGES = {"simple_java": "Java", "simple_javascript": "JavaScript"}
SYNTAX = {"Python": "Python 3", "Java": "Java 8 SDK", "JavaScript": "JavaScript"}


def tool_name(name: str) -> str:
    """The name of a function as the API allows it: `math.sqrt` is `math_sqrt`."""
    return name.replace(".", "_")


def to_tool(function: Mapping[str, Any], category: str) -> dict[str, Any]:
    """The tool of a function in an entry of `category`."""
    language = LANGUAGES.get(category, "Python")
    hint = f" Note that the provided function is in {SYNTAX[language]} syntax."
    parameters, parameter = function["parameters"], _to_schema
    if language != "Python":
        parameter = _java if language == "Java" else _javascript
    properties = {name: parameter(schema) for name, schema in parameters["properties"].items()}
    converted = {
        "name": tool_name(function["name"]),
        "description": function["description"] + hint,
        "parameters": {**parameters, "type": "object", "properties": properties},
    }
    return {"type": "function", "function": converted}


def _to_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a parameter or of a property; a float is described as one."""
    found = _with_types(schema)
    if schema.get("type") == "float":
        found["format"] = "float"
        found["description"] = schema.get("description", "") + " This is a float type value."
    return found


def _with_types(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with JSON Schema's types; whatever has no known type is a string."""
    found = {**schema, "type": TYPES.get(schema.get("type", ""), "string")}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found[key] = _with_types(schema[key])
    if isinstance(schema.get("properties"), dict):
        nested = schema["properties"].items()
        found["properties"] = {name: _to_schema(value) for name, value in nested}
    return found


def _java(schema: Mapping[str, Any]) -> dict[str, Any]:
    return _as_text(schema, "Java", ("ArrayList", "Array"))


def _javascript(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = _as_text(schema, "JavaScript", ("array",))
    if schema["type"] == "dict" and "properties" in found:
        entries = json.dumps(found.pop("properties"))
        found["description"] += (
            " The dictionary entries have the following schema; they are not in string"
            f" representation. {entries}"
        )
    return found


def _as_text(schema: Mapping[str, Any], language: str, lists: tuple[str, ...]) -> dict[str, Any]:
    """A string with a value in the syntax of `language`, as its description says."""
    found, type = {**schema, "type": "string"}, schema["type"]
    if type == "any":
        hint = f" This parameter can be of any type of {language} object in string representation."
    else:
        hint = f" This is {language} {type} type parameter in string representation."
    if type in lists:
        items = found.pop("items")["type"]
        hint += f" The list elements are of type {items}; they are not in string representation."
    found["description"] = schema["description"] + hint
    return found
