"""Reads tools, tool choice and text format of a request for a response."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api.responses.body import (
    AnyFormat,
    JsonObjectFormat,
    JsonSchemaFormat,
    TextFormat,
)
from gateway.api.responses.tools_body import (
    AllowedTools,
    AnyTool,
    AnyToolChoice,
    FunctionTool,
    NamedTool,
)
from gateway.api.tools import DeclaredTool, check_offered, checked_schema, checked_tools
from gateway.chat.json import Object
from gateway.chat.messages import Tool
from gateway.chat.request import ToolChoice
from gateway.config.limits import Limits
from gateway.errors import BadRequest


def to_tools(tools: Sequence[AnyTool], limits: Limits = Limits()) -> tuple[Tool, ...]:
    """Returns the tools that the model can call; hosted tools are left out."""
    return checked_tools(
        [
            DeclaredTool(f"tools.{i}", tool.name, tool.description, tool.parameters)
            for i, tool in enumerate(tools)
            if isinstance(tool, FunctionTool)
        ],
        limits,
    )


def to_tool_choice(
    choice: AnyToolChoice | None, tools: Sequence[Tool], *, parallel: bool
) -> ToolChoice:
    """Returns which of `tools` may be called; raises BadRequest for a tool that is not there."""
    names = tuple(tool.name for tool in tools)
    match choice:
        case "none":
            return ToolChoice()
        case None | "auto":
            return ToolChoice(names, False, parallel)
        case "required":
            check_offered(names, [])
            return ToolChoice(names, True, parallel)
        case NamedTool():
            chosen = _named(choice)
            check_offered(names, [chosen])
            return ToolChoice((chosen,), True, False)
        case AllowedTools():
            allowed = [_named(tool) for tool in choice.tools]
            check_offered(names, allowed)
            kept = tuple(name for name in names if name in allowed)
            return ToolChoice(kept, choice.mode == "required", parallel)


def to_response_schema(format: AnyFormat | None, limits: Limits = Limits()) -> Object | None:
    """Returns the JSON Schema that the text of an answer must match, if any."""
    match format:
        case None | TextFormat():
            return None
        case JsonObjectFormat():
            return {"type": "object"}
        case JsonSchemaFormat(schema_=schema):
            return checked_schema(schema, "text.format", limits, param="text.format.schema")


def _named(tool: NamedTool) -> str:
    if tool.name is None:
        raise BadRequest(
            f"tool_choice: a tool of type {tool.type!r} runs on OpenAI's servers only; offer a"
            " function instead",
            param="tool_choice",
        )
    return tool.name
