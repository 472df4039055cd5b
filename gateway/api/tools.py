"""Checks the tools and the JSON Schemas that a request declares, whatever the dialect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.api.body_size import check_schema_size
from gateway.chat.custom_tools import custom_tool
from gateway.chat.json import Json, Object, json_text
from gateway.chat.messages import TextGrammar, Tool
from gateway.config.limits import Limits
from gateway.errors import BadRequest, SchemaTooComplex
from gateway.schema.complexity import KINDS, Complexity
from gateway.schema.local_references import with_local_references
from gateway.schema.metaschema import schema_error

TOOL_NAME = "^[a-zA-Z0-9_.-]{1,128}$"


@dataclass(frozen=True, slots=True)
class DeclaredTool:
    """A tool as a body has it, at `path`; its JSON Schema is in the field `schema_key`."""

    path: str
    name: str
    description: str | None
    parameters: Mapping[str, Json] | None
    schema_key: str = "parameters"


@dataclass(frozen=True, slots=True)
class DeclaredCustomTool:
    """A tool that takes text, as a body has it at `path`."""

    path: str
    name: str
    description: str | None
    grammar: TextGrammar | None


def checked_tools(
    declared: Iterable[DeclaredTool | DeclaredCustomTool], limits: Limits = Limits()
) -> tuple[Tool, ...]:
    """Returns the tools; raises BadRequest for a bad name, or an invalid or too large schema."""
    checked: dict[str, Tool] = {}
    complexity = _complexity(limits)
    for tool in declared:
        where = f"{tool.path}.name"
        name = _name(tool.name, where)
        if name in checked:
            raise BadRequest(f"{where}: another tool has the name {name!r}", param=where)
        checked[name] = (
            _checked_custom(tool, limits)
            if isinstance(tool, DeclaredCustomTool)
            else _checked(tool, limits, complexity)
        )
    return tuple(checked.values())


def check_offered(offered: Sequence[str], wanted: Sequence[str]) -> None:
    """Raises BadRequest if a tool choice asks for a tool that is not `offered`."""
    if not offered:
        raise BadRequest("tool_choice asks for a call, but no tool is given", param="tool_choice")
    for name in wanted:
        if name not in offered:
            known = ", ".join(map(repr, offered))
            raise BadRequest(
                f"tool_choice: no tool {name!r}; `tools` has {known}", param="tool_choice"
            )


def checked_schema(
    schema: Object, field: str, limits: Limits = Limits(), *, param: str = ""
) -> Object:
    """Returns the schema of an answer; raises BadRequest if it is invalid or too large.

    `field` is the one that has it, `param` the path within that.
    """
    json = json_text(schema)
    check_schema_size(field, len(json), limits)
    _check_complexity(schema, json, _complexity(limits), field, param or field)
    _check_schema(schema, json, field, param or field)
    return with_local_references(schema, json)


def _complexity(limits: Limits) -> Complexity:
    return Complexity({kind: getattr(limits, f"schema_{kind}") for kind in KINDS})


def _check_complexity(
    schema: Object, json: str, complexity: Complexity, whose: str, param: str
) -> None:
    """Raises SchemaTooComplex if `schema` has too many parts, added to those of other tools."""
    if found := complexity.add(schema, json):
        raise SchemaTooComplex(
            f"{whose}: its JSON Schema is too complex at {found.pointer}: at most {found.most}"
            f" {found.kind.replace('_', ' ')} are allowed, in all tools together; see"
            f" `limits.schema_{found.kind}` in models.yaml",
            param=param,
        )


def _check_schema(schema: Object, json: str, whose: str, param: str) -> None:
    if found := schema_error(schema, json):
        pointer, why = found
        raise BadRequest(f"{whose}: its JSON Schema is invalid at {pointer}: {why}", param=param)


def _name(name: str, where: str) -> str:
    if not re.fullmatch(TOOL_NAME, name):
        raise BadRequest(
            f"{where}: {name[:140]!r} is not up to 128 letters, digits, '_', '-' or '.'",
            param=where,
        )
    return name


def _checked_custom(tool: DeclaredCustomTool, limits: Limits) -> Tool:
    checked = custom_tool(tool.name, tool.description or "", tool.grammar)
    size = len(checked.json) + len(checked.description)
    check_schema_size(tool.path.removesuffix(".custom"), size, limits)
    return checked


def _checked(tool: DeclaredTool, limits: Limits, complexity: Complexity) -> Tool:
    description = tool.description or ""
    parameters: Object = {**(tool.parameters or {})}
    types = parameters.setdefault("type", "object")
    if isinstance(types, list) and "object" in types:
        parameters["type"] = "object"  # arguments are nothing else
    parameters.setdefault("properties", {})
    json = json_text(parameters)
    check_schema_size(tool.path.removesuffix(".function"), len(json) + len(description), limits)
    whose, where = f"tool {tool.name!r}", f"{tool.path}.{tool.schema_key}"
    _check_complexity(parameters, json, complexity, whose, where)
    _check_schema(parameters, json, whose, where)
    if parameters["type"] != "object":
        raise BadRequest(
            f"{whose}: the parameters are of type {parameters['type']!r}; they must be an object",
            param=where,
        )
    local = with_local_references(parameters, json)
    return Tool(tool.name, description, local, json if local is parameters else "")
