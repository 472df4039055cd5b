"""The body of a chat request, as the OpenAI API defines it. Unknown fields are ignored.

Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AliasChoices, AliasPath, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from gateway.api.body import INT32_MAX, Body, Items, RequestBody, read_as
from gateway.api.openai.chat_constraints import JSON_ONLY, NOT_JSON, ConstraintFields
from gateway.api.tools import TOOL_NAME
from gateway.config.limits import Limits

NO_LIMIT = -1
MAX_N = 16  # answers to one prompt: as many as the engine runs at once
MAX_STOPS = 16
MAX_STOP_CHARS = 1000
MAX_TOP_LOGPROBS = 20  # as in the OpenAI API


class TextPart(Body):
    type: Literal["text"]
    text: str


class RefusalPart(Body):
    type: Literal["refusal"]
    refusal: str


Content = str | Items[TextPart] | None
Part = Annotated[TextPart | RefusalPart, Field(discriminator="type")]


class FunctionCall(Body):
    name: Annotated[str, Field(min_length=1)]
    arguments: Any = None


class CustomInput(Body):
    name: Annotated[str, Field(min_length=1)]
    input: str = ""


class CustomCall(Body):
    id: str | None = None
    type: Literal["custom"]
    custom: CustomInput


def _tool_kind(value: Any) -> str:
    """The tag of a tool or a call, which is of a function unless it says otherwise."""
    type = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "custom tool" if type == "custom" else "function tool"


class ToolCall(Body):
    id: str | None = None
    type: Literal["function"] | None = None
    function: FunctionCall


AnyCall = Annotated[
    Annotated[ToolCall, Tag("function tool")] | Annotated[CustomCall, Tag("custom tool")],
    Discriminator(_tool_kind),
]


class System(Body):
    role: Literal["system", "developer"]
    content: Content = None


class User(Body):
    role: Literal["user"]
    content: Content = None


class Assistant(Body):
    role: Literal["assistant"]
    content: str | Items[Part] | None = None
    reasoning_content: str | None = None
    tool_calls: Items[AnyCall] | None = None
    # The LlamaEdge todo demo returns its calls like this, each as a JSON string.
    tool_call: Items[str] | None = None
    function_call: FunctionCall | None = None


class ToolMessage(Body):
    """A result; `function` is what the role was before there were tools."""

    role: Literal["tool", "function"]
    content: Content = None
    tool_call_id: str | None = None
    name: str | None = None


AnyMessage = Annotated[System | User | Assistant | ToolMessage, Field(discriminator="role")]


class Function(Body):
    name: Annotated[str, Field(json_schema_extra={"pattern": TOOL_NAME})]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class FunctionTool(Body):
    type: Literal["function"] = "function"
    function: Function


class Grammar(Body):
    syntax: Literal["lark", "regex"]
    definition: str


class FreeText(Body):
    type: Literal["text"]


class GrammarText(Body):
    type: Literal["grammar"]
    grammar: Grammar


class Custom(Body):
    name: Annotated[str, Field(json_schema_extra={"pattern": TOOL_NAME})]
    description: str | None = None
    format: Annotated[FreeText | GrammarText, Field(discriminator="type")] | None = None


class CustomTool(Body):
    type: Literal["custom"]
    custom: Custom


AnyTool = Annotated[
    Annotated[FunctionTool, Tag("function tool")] | Annotated[CustomTool, Tag("custom tool")],
    Discriminator(_tool_kind),
]


class FunctionName(Body):
    name: str


class NamedTool(Body):
    type: Literal["function"]
    function: FunctionName


class NamedCustomTool(Body):
    type: Literal["custom"]
    custom: FunctionName


class AllowedTools(Body):
    mode: Literal["auto", "required"]
    tools: Annotated[
        Items[Annotated[NamedTool | NamedCustomTool, Field(discriminator="type")]],
        Field(min_length=1),
    ]


class AllowedChoice(Body):
    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


AnyToolChoice = (
    Literal["none", "auto", "required"]
    | Annotated[NamedTool | NamedCustomTool | AllowedChoice, Field(discriminator="type")]
)


class JsonSchema(Body):
    name: str | None = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")]


class TextFormat(Body):
    type: Literal["text"]


class JsonObjectFormat(Body):
    """Any object, or in llama-server's API one of a JSON Schema."""

    type: Literal["json_object"]
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class JsonSchemaFormat(Body):
    type: Literal["json_schema"]
    json_schema: JsonSchema


AnyFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


class StreamOptions(Body):
    include_usage: bool | None = None


def _check_limit(limit: int) -> int:
    if limit == 0:
        raise PydanticCustomError("limit", "input should be greater than 0, or -1 for no limit")
    return limit


# A number of tokens; -1 is no limit, as in llama-server's API.
TokenLimit = Annotated[int, Field(ge=NO_LIMIT, le=INT32_MAX), AfterValidator(_check_limit)]
AnswerCount = Annotated[int, Field(ge=1, le=MAX_N)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
StopString = Annotated[str, Field(min_length=1, max_length=MAX_STOP_CHARS)]

# Where clients put a thinking budget; the first one present counts.
BUDGETS = AliasChoices(
    "thinking_budget",  # Qwen's API
    "thinking_token_budget",  # vLLM
    "thinking_budget_tokens",  # llama-server, and the next
    "reasoning_budget_tokens",
    AliasPath("thinking", "budget_tokens"),  # Anthropic's API
    AliasPath("reasoning", "max_tokens"),  # OpenRouter
    AliasPath("chat_template_kwargs", "thinking_budget"),  # SGLang
)

ThinkingBudget = Annotated[
    Annotated[int, Field(ge=NO_LIMIT, le=INT32_MAX)] | None, Field(validation_alias=BUDGETS)
]


class SamplingBody(Body):
    """How tokens are drawn, and where a text ends."""

    stop: StopString | Annotated[Items[StopString], Field(max_length=MAX_STOPS)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=INT32_MAX)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    repeat_penalty: Annotated[float, Field(gt=0, le=2)] | None = None
    reproducible: bool | None = None  # an extension of this gateway


class GenerationBody(SamplingBody, RequestBody):
    """The fields that all requests for text share."""

    model: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    timeout_s: Annotated[float, Field(gt=0)] | None = None

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class ChatBody(GenerationBody, ConstraintFields):
    """The body of POST /v1/chat/completions."""

    messages: Annotated[Items[AnyMessage], Field(min_length=1)]
    n: AnswerCount | None = None
    tools: Items[AnyTool] | None = None
    tool_choice: AnyToolChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: Items[Function] | None = None
    function_call: Literal["none", "auto"] | FunctionName | None = None
    response_format: AnyFormat | None = None
    max_tokens: TokenLimit | None = None
    max_completion_tokens: TokenLimit | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MAX_TOP_LOGPROBS)] | None = None
    reasoning_effort: str | None = None
    thinking_budget: ThinkingBudget = None
    # Extensions of this gateway.
    tool_call_probability: bool | None = None
    tool_call_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    modalities: Items[Literal["text"]] | None = None

    unsupported: ClassVar[dict[str, str]] = {
        "logit_bias": "use `tools` or `response_format` to hold a model to a form",
        "audio": "only text output is supported",
        "prediction": "predicted outputs are not used",
        "web_search_options": "offer a search tool in `tools`",
        **dict.fromkeys(NOT_JSON, JSON_ONLY),
    }


def read(body: bytes, limits: Limits = Limits()) -> ChatBody:
    """Parses and validates a request's body, whatever its content type; raises BadRequest.

    >>> read(b'{"model": "m", "messages": [{"role": "user", "content": "Hello"}]}').model
    'm'
    """
    return read_as(ChatBody, body, "the body", limits)
