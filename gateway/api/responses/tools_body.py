"""The tools of a request for a response, and its tool choice, as the OpenAI API defines them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from gateway.api.body import Body, Items
from gateway.api.tools import TOOL_NAME

Name = Annotated[str, Field(json_schema_extra={"pattern": TOOL_NAME})]


class FunctionTool(Body):
    type: Literal["function"]
    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FreeText(Body):
    type: Literal["text"]


class GrammarText(Body):
    type: Literal["grammar"]
    syntax: Literal["lark", "regex"]
    definition: str


class CustomTool(Body):
    type: Literal["custom"]
    name: Name
    description: str | None = None
    format: Annotated[FreeText | GrammarText, Field(discriminator="type")] | None = None


class NamespaceTool(Body):
    """Tools with a common purpose; their names are unique within it."""

    type: Literal["namespace"]
    name: Name
    description: str | None = None
    tools: Items[Annotated[FunctionTool | CustomTool, Field(discriminator="type")]]


class HostedTool(Body):
    """A tool that OpenAI's servers would run, such as `web_search`."""

    model_config = ConfigDict(extra="allow")

    type: str


def _kind(tool: Any) -> str:
    type = tool.get("type") if isinstance(tool, dict) else getattr(tool, "type", None)
    return f"{type} tool" if type in ("function", "custom", "namespace") else "hosted tool"


AnyTool = Annotated[
    Annotated[FunctionTool, Tag("function tool")]
    | Annotated[CustomTool, Tag("custom tool")]
    | Annotated[NamespaceTool, Tag("namespace tool")]
    | Annotated[HostedTool, Tag("hosted tool")],
    Discriminator(_kind),
]


class NamedTool(Body):
    """One tool, or all that are of a hosted `type`."""

    type: str
    name: str | None = None
    namespace: str | None = None


class AllowedTools(Body):
    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Annotated[Items[NamedTool], Field(min_length=1)]


def _choice_kind(choice: Any) -> str:
    if isinstance(choice, str):
        return "mode"
    type = choice.get("type") if isinstance(choice, dict) else getattr(choice, "type", None)
    return "allowed" if type == "allowed_tools" else "named"


AnyToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("mode")]
    | Annotated[AllowedTools, Tag("allowed")]
    | Annotated[NamedTool, Tag("named")],
    Discriminator(_choice_kind),
]


def flat_name(name: str, namespace: str | None) -> str:
    """The name by which the model knows a tool.

    >>> flat_name("search", "files"), flat_name("search", None)
    ('files__search', 'search')
    """
    return f"{namespace}__{name}" if namespace else name
