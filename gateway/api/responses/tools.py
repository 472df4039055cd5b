"""Reads tools, tool choice and text format of a request for a response."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    CustomTool,
    FunctionTool,
    GrammarText,
    NamedTool,
    NamespaceTool,
    flat_name,
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
from gateway.errors import BadRequest


@dataclass(frozen=True, slots=True)
class ToolName:
    """The name of a tool as the client knows it."""

    name: str
    namespace: str | None = None
    is_custom: bool = False


def to_tools(tools: Sequence[AnyTool], limits: Limits = Limits()) -> tuple[Tool, ...]:
    """Returns the tools that the model can call, without namespaces and hosted tools."""
    return checked_tools([declared for _, declared in _declared(tools)], limits)


def tool_names(tools: Sequence[AnyTool]) -> dict[str, ToolName]:
    """Returns the client's names of the tools, by the names that the model knows."""
    return {declared.name: name for name, declared in _declared(tools)}


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


def _declared(
    tools: Sequence[AnyTool],
) -> Iterator[tuple[ToolName, DeclaredTool | DeclaredCustomTool]]:
    for i, tool in enumerate(tools):
        match tool:
            case FunctionTool() | CustomTool():
                yield _declaration(f"tools.{i}", tool, None)
            case NamespaceTool():
                for k, inner in enumerate(tool.tools):
                    yield _declaration(f"tools.{i}.tools.{k}", inner, tool)


def _declaration(
    path: str, tool: FunctionTool | CustomTool, namespace: NamespaceTool | None
) -> tuple[ToolName, DeclaredTool | DeclaredCustomTool]:
    space = namespace.name if namespace else None
    name = flat_name(tool.name, space)
    of_space = namespace.description if namespace else None
    description = "\n\n".join(filter(None, (of_space, tool.description)))
    if isinstance(tool, FunctionTool):
        declared = DeclaredTool(path, name, description, tool.parameters)
        return ToolName(tool.name, space), declared
    grammar = None
    if isinstance(tool.format, GrammarText):
        grammar = TextGrammar(tool.format.syntax, tool.format.definition)
    custom = DeclaredCustomTool(path, name, description, grammar)
    return ToolName(tool.name, space, is_custom=True), custom


def _named(tool: NamedTool) -> str:
    if tool.name is None or tool.type not in ("function", "custom"):
        raise BadRequest(
            f"tool_choice: a tool of type {tool.type!r} runs on OpenAI's servers only; offer a"
            " function instead",
            param="tool_choice",
        )
    return flat_name(tool.name, tool.namespace)
