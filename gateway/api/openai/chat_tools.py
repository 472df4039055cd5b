"""Reads tools, tool choice and response format of a chat request's body."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api.openai.chat_body import (
    AllowedChoice,
    AnyFormat,
    AnyTool,
    AnyToolChoice,
    Custom,
    CustomTool,
    FunctionTool,
    GrammarText,
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaFormat,
    NamedCustomTool,
    NamedTool,
    TextFormat,
)
from gateway.api.tools import (
    DeclaredCustomTool,
    DeclaredTool,
    check_offered,
    checked_schema,
    checked_tools,
)
from gateway.chat.json import Object
from gateway.chat.messages import TextGrammar, Tool
from gateway.chat.request import ToolChoice
from gateway.config.limits import Limits


def to_tools(tools: Sequence[AnyTool], limits: Limits = Limits()) -> tuple[Tool, ...]:
    """Returns the tools; raises BadRequest for a bad name, or an invalid or too large schema."""
    return checked_tools([_declared(i, tool) for i, tool in enumerate(tools)], limits)


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
            check_offered(names, [])
            return ToolChoice(names, True, parallel)
        case NamedTool() | NamedCustomTool() as named:
            check_offered(names, [_name(named)])
            return ToolChoice((_name(named),), True, False)
        case AllowedChoice() as allowed:
            chosen = [_name(tool) for tool in allowed.allowed_tools.tools]
            check_offered(names, chosen)
            kept = tuple(name for name in names if name in chosen)
            return ToolChoice(kept, allowed.allowed_tools.mode == "required", parallel)


def to_response_schema(format: AnyFormat | None, limits: Limits = Limits()) -> Object | None:
    """Returns the JSON Schema that the text of an answer must match, if any."""
    match format:
        case None | TextFormat():
            return None
        case JsonObjectFormat(schema_=schema):
            if schema is None:
                return {"type": "object"}
            return checked_schema(schema, "response_format", limits, param="response_format.schema")
        case JsonSchemaFormat(json_schema=JsonSchema(schema_=schema)):
            param = "response_format.json_schema.schema"
            return checked_schema(schema, "response_format", limits, param=param)


def _declared(index: int, tool: AnyTool) -> DeclaredTool | DeclaredCustomTool:
    match tool:
        case FunctionTool(function=one):
            where = f"tools.{index}.function"
            return DeclaredTool(where, one.name, one.description, one.parameters)
        case CustomTool(custom=one):
            where = f"tools.{index}.custom"
            return DeclaredCustomTool(where, one.name, one.description, _grammar(one))


def _grammar(tool: Custom) -> TextGrammar | None:
    if not isinstance(tool.format, GrammarText):
        return None
    grammar = tool.format.grammar
    return TextGrammar(grammar.syntax, grammar.definition)


def _name(tool: NamedTool | NamedCustomTool) -> str:
    return tool.function.name if isinstance(tool, NamedTool) else tool.custom.name
