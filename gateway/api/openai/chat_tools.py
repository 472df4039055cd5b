"""Reads tools, tool choice and response format of a chat request's body."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.api.openai.body_size import check_schema_size
from gateway.api.openai.chat_body import (
    TOOL_NAME,
    AllowedChoice,
    AnyFormat,
    AnyToolChoice,
    FunctionTool,
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaFormat,
    NamedTool,
    TextFormat,
)
from gateway.chat.json import Object, json_text
from gateway.chat.messages import Tool
from gateway.chat.request import ToolChoice
from gateway.config.limits import Limits
from gateway.errors import BadRequest
from gateway.schema.metaschema import schema_error


def to_tools(tools: Sequence[FunctionTool], limits: Limits = Limits()) -> tuple[Tool, ...]:
    """Returns the tools; raises BadRequest for a bad name, or an invalid or too large schema."""
    checked: dict[str, Tool] = {}
    for i, tool in enumerate(tools):
        where = f"tools.{i}.function"
        name = _name(tool.function.name, f"{where}.name")
        if name in checked:
            raise BadRequest(
                f"{where}.name: another tool has the name {name!r}", param=f"{where}.name"
            )
        description = tool.function.description or ""
        parameters = _parameters(tool)
        json = json_text(parameters)
        check_schema_size(f"tools.{i}", len(json) + len(description), limits)
        _check_parameters(name, parameters, json, f"{where}.parameters")
        checked[name] = Tool(name, description, parameters, json)
    return tuple(checked.values())


def to_tool_choice(
    choice: AnyToolChoice | None, tools: Sequence[Tool], *, parallel: bool
) -> ToolChoice:
    """Returns which of `tools` may be called; raises BadRequest for a name not in `tools`."""
    names = tuple(tool.name for tool in tools)
    match choice:
        case "none":
            return ToolChoice()
        case None | "auto":
            return ToolChoice(names, False, parallel)
        case "required":
            _check_offered(names, [])
            return ToolChoice(names, True, parallel)
        case NamedTool() as named:
            _check_offered(names, [named.function.name])
            return ToolChoice((named.function.name,), True, False)
        case AllowedChoice() as allowed:
            chosen = [tool.function.name for tool in allowed.allowed_tools.tools]
            _check_offered(names, chosen)
            kept = tuple(name for name in names if name in chosen)
            return ToolChoice(kept, allowed.allowed_tools.mode == "required", parallel)


def to_response_schema(format: AnyFormat | None, limits: Limits = Limits()) -> Object | None:
    """Returns the JSON Schema that the text of an answer must match, if any."""
    match format:
        case None | TextFormat():
            return None
        case JsonObjectFormat():
            return {"type": "object"}
        case JsonSchemaFormat(json_schema=JsonSchema(schema_=schema)):
            param = "response_format.json_schema.schema"
            json = json_text(schema)
            check_schema_size("response_format", len(json), limits)
            _check_schema(schema, json, "response_format", param)
            return schema


def _name(name: str, where: str) -> str:
    if not re.fullmatch(TOOL_NAME, name):
        raise BadRequest(
            f"{where}: {name[:140]!r} is not up to 128 letters, digits, '_', '-' or '.'",
            param=where,
        )
    return name


def _parameters(tool: FunctionTool) -> Object:
    schema: Object = dict(tool.function.parameters or {})
    schema.setdefault("type", "object")
    schema.setdefault("properties", {})
    return schema


def _check_parameters(name: str, schema: Object, json: str, where: str) -> None:
    whose = f"tool {name!r}"
    _check_schema(schema, json, whose, where)
    if schema["type"] != "object":
        raise BadRequest(
            f"{whose}: the parameters are of type {schema['type']!r}; they must be an object",
            param=where,
        )


def _check_schema(schema: Object, json: str, whose: str, where: str) -> None:
    if found := schema_error(schema, json):
        pointer, why = found
        raise BadRequest(f"{whose}: its JSON Schema is invalid at {pointer}: {why}", param=where)


def _check_offered(offered: tuple[str, ...], wanted: list[str]) -> None:
    if not offered:
        raise BadRequest("tool_choice asks for a call, but no tool is given", param="tool_choice")
    for name in wanted:
        if name not in offered:
            known = ", ".join(map(repr, offered))
            raise BadRequest(
                f"tool_choice: no tool {name!r}; `tools` has {known}", param="tool_choice"
            )
