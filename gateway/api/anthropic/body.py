"""The body of a Messages request, as the Anthropic API defines it. Unknown fields are ignored.

Source: https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from gateway.api.body import INT32_MAX, Body, Items, RequestBody
from gateway.api.openai.chat_body import MAX_STOPS, StopString

# The beginnings of the types of tools that Anthropic's servers run.
HOSTED = ("web_search", "web_fetch", "code_execution", "tool_search", "mcp_toolset", "advisor")


class TextBlock(Body):
    type: Literal["text"]
    text: str


class ImageBlock(Body):
    """An image, which no model here can see."""

    type: Literal["image"]


class Source(Body):
    """Where a document is: text is in `data`, other kinds are files."""

    type: str
    data: str = ""


class DocumentBlock(Body):
    type: Literal["document"]
    source: Source
    title: str | None = None


class ThinkingBlock(Body):
    type: Literal["thinking"]
    thinking: str = ""
    signature: str = ""


class ToolUseBlock(Body):
    type: Literal["tool_use"]
    id: str
    name: Annotated[str, Field(min_length=1)]
    input: Annotated[dict[str, Any], Field(default_factory=dict)]


class OtherBlock(Body):
    """What Anthropic's own tools wrote into a conversation, such as `server_tool_use`."""

    type: str


Shown = Annotated[TextBlock | ImageBlock | DocumentBlock, Field(discriminator="type")]


class ToolResultBlock(Body):
    type: Literal["tool_result"]
    tool_use_id: str
    content: str | Items[Shown] | None = None
    is_error: bool | None = None


UserBlock = Annotated[
    TextBlock | ImageBlock | DocumentBlock | ToolResultBlock, Field(discriminator="type")
]


def _type(given: Any) -> Any:
    return given.get("type") if isinstance(given, dict) else getattr(given, "type", None)


def _kind_of_block(given: Any) -> str | None:
    kind = _type(given)
    if not isinstance(kind, str):
        return None
    return kind if kind in ("text", "thinking", "tool_use") else "other"


AssistantBlock = Annotated[
    Annotated[TextBlock, Tag("text")]
    | Annotated[ThinkingBlock, Tag("thinking")]
    | Annotated[ToolUseBlock, Tag("tool_use")]
    | Annotated[OtherBlock, Tag("other")],
    Discriminator(_kind_of_block),
]


class System(Body):
    """Instructions among the messages, as Claude Code sends them."""

    role: Literal["system"]
    content: str | Items[TextBlock]


class User(Body):
    role: Literal["user"]
    content: str | Items[UserBlock]


class Assistant(Body):
    role: Literal["assistant"]
    content: str | Items[AssistantBlock]


AnyMessage = Annotated[System | User | Assistant, Field(discriminator="role")]


class CustomTool(Body):
    """A tool that the client runs; its name follows the rule of `gateway/api/tools.py`."""

    type: Literal["custom"] | None = None
    name: str
    description: str | None = None
    input_schema: dict[str, Any]


class AnthropicTool(Body):
    """A tool that the Anthropic API defines: its servers run it, or the model knows its schema."""

    type: str

    @property
    def is_hosted(self) -> bool:
        return self.type.startswith(HOSTED)


def _kind_of_tool(given: Any) -> str:
    kind = _type(given)
    return "custom" if kind in (None, "custom") or not isinstance(kind, str) else "anthropic"


AnyTool = Annotated[
    Annotated[CustomTool, Tag("custom")] | Annotated[AnthropicTool, Tag("anthropic")],
    Discriminator(_kind_of_tool),
]


class AutoChoice(Body):
    type: Literal["auto"]
    disable_parallel_tool_use: bool = False


class AnyChoice(Body):
    type: Literal["any"]
    disable_parallel_tool_use: bool = False


class NamedChoice(Body):
    type: Literal["tool"]
    name: str


class NoChoice(Body):
    type: Literal["none"]


ToolChoice = Annotated[AutoChoice | AnyChoice | NamedChoice | NoChoice, Field(discriminator="type")]


class Thinks(Body):
    """`display` "omitted" sends thoughts only within their signature."""

    display: Literal["summarized", "omitted"] | None = None


class EnabledThinking(Thinks):
    type: Literal["enabled"]
    budget_tokens: Annotated[int, Field(ge=0, le=INT32_MAX)] | None = None


class AdaptiveThinking(Thinks):
    type: Literal["adaptive"]


class DisabledThinking(Body):
    type: Literal["disabled"]


AnyThinking = Annotated[
    EnabledThinking | AdaptiveThinking | DisabledThinking, Field(discriminator="type")
]


class JsonSchemaFormat(Body):
    type: Literal["json_schema"]
    schema_: Annotated[dict[str, Any], Field(alias="schema")]


class OutputConfig(Body):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonSchemaFormat | None = None


class PromptBody(RequestBody):
    """What is read of a prompt, to answer it or to count its tokens."""

    model: str
    messages: Annotated[Items[AnyMessage], Field(min_length=1)]
    system: str | Items[TextBlock] | None = None
    tools: Items[AnyTool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: AnyThinking | None = None
    output_config: OutputConfig | None = None
    output_format: JsonSchemaFormat | None = None  # the earlier name of `output_config.format`

    unsupported: ClassVar[dict[str, str]] = {
        "mcp_servers": "the gateway calls no servers; offer their tools in `tools`",
    }


class MessagesBody(PromptBody):
    """The body of POST /v1/messages."""

    max_tokens: Annotated[int, Field(ge=1, le=INT32_MAX)] | None = None
    stream: bool | None = None
    stop_sequences: Annotated[Items[StopString], Field(max_length=MAX_STOPS)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=INT32_MAX)] | None = None
    reproducible: bool | None = None  # an extension of this gateway
