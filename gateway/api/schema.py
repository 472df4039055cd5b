"""A chat request as the OpenAI API writes it -> a `Request`. Unknown fields are ignored.

Source: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from jsonschema import Draft202012Validator, SchemaError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.errors import BadRequest
from gateway.request import Choice, Message, Reply, Request, Result, Sampling, Speech
from gateway.turns import Call, Json, Object, Tool, parse_json

MOST_TOOLS = 512
MOST_DEPTH = 64  # of nested JSON
TOOL_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}")


class Body(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, strict=True)


class TextPart(Body):
    type: Literal["text"]
    text: str


Content = str | list[TextPart] | None


class FunctionCall(Body):
    name: Annotated[str, Field(min_length=1)]
    arguments: str | dict[str, Any] | None = None


class ToolCall(Body):
    id: str | None = None
    type: Literal["function"] = "function"
    function: FunctionCall


class System(Body):
    role: Literal["system", "developer"]
    content: Content = None


class User(Body):
    role: Literal["user"]
    content: Content = None


class Assistant(Body):
    role: Literal["assistant"]
    content: Content = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    # The LlamaEdge todo demo sends its calls back like this, each a JSON string.
    tool_call: list[str] | None = None


class ToolMessage(Body):
    role: Literal["tool"]
    content: Content = None
    tool_call_id: str | None = None
    name: str | None = None


AnyMessage = Annotated[System | User | Assistant | ToolMessage, Field(discriminator="role")]


class Function(Body):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Body):
    type: Literal["function"]
    function: Function


class FunctionName(Body):
    name: str


class NamedTool(Body):
    type: Literal["function"]
    function: FunctionName


class AllowedTools(Body):
    mode: Literal["auto", "required"]
    tools: list[NamedTool]


class AllowedChoice(Body):
    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


ToolChoice = Literal["none", "auto", "required"] | NamedTool | AllowedChoice


class JsonSchema(Body):
    name: str | None = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")]


class TextFormat(Body):
    type: Literal["text"]


class JsonObjectFormat(Body):
    type: Literal["json_object"]


class JsonSchemaFormat(Body):
    type: Literal["json_schema"]
    json_schema: JsonSchema


AnyFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


class StreamOptions(Body):
    include_usage: bool = False


Tokens = Annotated[int, Field(ge=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
StopString = Annotated[str, Field(min_length=1, max_length=1000)]


class ChatBody(Body):
    """The body of POST /v1/chat/completions."""

    model: str
    messages: Annotated[list[AnyMessage], Field(min_length=1)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    tools: Annotated[list[FunctionTool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: AnyFormat | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stop: StopString | Annotated[list[StopString], Field(max_length=16)] | None = None
    n: Annotated[int, Field(ge=1, le=16)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    seed: int | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    repeat_penalty: Annotated[float, Field(gt=0, le=2)] | None = None
    reasoning_effort: str | None = None
    chat_template_kwargs: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def refuse_what_would_be_ignored(cls, data: Any) -> Any:
        for key, why in UNSUPPORTED.items():
            if isinstance(data, dict) and data.get(key) not in (None, [], {}):
                raise BadRequest(f"{key!r} is not supported: {why}", param=key)
        return data


UNSUPPORTED = {
    "functions": "use `tools`",
    "function_call": "use `tool_choice`",
    "logit_bias": "use `tools` or `response_format` to hold a model to a form",
    "audio": "answers are text",
    "prediction": "a predicted output has no use here",
    "web_search_options": "offer a search tool in `tools`",
}


def to_request(body: ChatBody, sampling: Sampling) -> Request:
    """What `body` asks, with `sampling` for what it leaves open; raises BadRequest."""
    tools = to_tools(body.tools or [])
    if body.tool_choice == "none":
        tools = ()
    return Request(
        model=body.model,
        messages=tuple(_message(message) for message in body.messages),
        tools=tools,
        choice=_choice(body, tools),
        answer=_answer(body.response_format),
        sampling=_sampling(body, sampling),
        max_tokens=body.max_completion_tokens or body.max_tokens,
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        answers=body.n or 1,
        top_logprobs=_top_logprobs(body),
        template_variables=_variables(body),
    )


def _sampling(body: ChatBody, defaults: Sampling) -> Sampling:
    asked = {name: getattr(body, name) for name in Sampling.__slots__}
    merged = {n: getattr(defaults, n) if v is None else v for n, v in asked.items()}
    return Sampling(**merged)


def _top_logprobs(body: ChatBody) -> int | None:
    if body.top_logprobs is not None and not body.logprobs:
        raise BadRequest("top_logprobs needs `logprobs: true`", param="top_logprobs")
    return body.top_logprobs or 0 if body.logprobs else None


def _variables(body: ChatBody) -> Object:
    variables: Object = dict(body.chat_template_kwargs or {})
    if body.reasoning_effort is not None:
        variables["reasoning_effort"] = body.reasoning_effort
    _check_depth(variables, "chat_template_kwargs")
    return variables


# -- messages


def _message(message: System | User | Assistant | ToolMessage) -> Message:
    text = _text(message.content)
    match message:
        case System():
            return Speech("system", text)
        case User():
            return Speech("user", text)
        case ToolMessage():
            return Result(text, message.tool_call_id or "", message.name or "")
        case Assistant():
            calls = [_call(call) for call in message.tool_calls or []]
            calls += [_encoded_call(text) for text in message.tool_call or []]
            return Reply(text, message.reasoning_content or "", tuple(calls))


def _call(call: ToolCall) -> Call:
    return Call(call.function.name, _arguments(call.function.arguments), call.id or "")


def _text(content: Content) -> str:
    if isinstance(content, list):
        return "".join(part.text for part in content)
    return content or ""


def _arguments(arguments: str | dict[str, Any] | None) -> Object:
    """Arguments of an old call; what is not a JSON object is kept, under a key of its own."""
    if isinstance(arguments, str) and arguments.strip():
        try:
            parsed = parse_json(arguments)
        except (ValueError, RecursionError):
            return {"malformed": arguments}
        arguments = parsed if isinstance(parsed, dict) else {"malformed": parsed}
    arguments = arguments if isinstance(arguments, dict) else {}
    _check_depth(arguments, "messages")
    return arguments


def _encoded_call(text: str) -> Call:
    """A call that came as one JSON string."""
    try:
        call = ToolCall.model_validate_json(text)
    except ValidationError as error:
        raise BadRequest(f"tool_call: {text[:60]!r} is not a call", param="messages") from error
    return _call(call)


# -- tools


def to_tools(tools: Sequence[FunctionTool]) -> tuple[Tool, ...]:
    """The tools on offer; raises BadRequest for a bad name or an invalid schema."""
    checked: dict[str, Tool] = {}
    for i, tool in enumerate(tools):
        name, where = tool.function.name, f"tools.{i}.function"
        if not TOOL_NAME.fullmatch(name):
            raise BadRequest(
                f"{where}.name: {name[:140]!r} is not up to 128 letters, digits, '_', '-' or '.'",
                param=f"{where}.name",
            )
        if name in checked:
            raise BadRequest(f"{where}.name: there are two tools {name!r}", param=f"{where}.name")
        parameters = _schema(tool.function.parameters or {}, f"tool {name!r}", where)
        if parameters.setdefault("type", "object") != "object":
            raise BadRequest(
                f"tool {name!r}: the parameters are of type {parameters['type']!r}; they must be"
                " an object",
                param=f"{where}.parameters",
            )
        parameters.setdefault("properties", {})
        checked[name] = Tool(name, tool.function.description or "", parameters)
    return tuple(checked.values())


def _schema(schema: Object, whose: str, param: str) -> Object:
    _check_depth(schema, param)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        pointer = "#" + "".join(f"/{step}" for step in error.absolute_path)
        raise BadRequest(
            f"{whose}: its JSON Schema is invalid at {pointer}: {error.message}", param=param
        ) from error
    return dict(schema)


def _choice(body: ChatBody, tools: tuple[Tool, ...]) -> Choice:
    names = tuple(tool.name for tool in tools)
    parallel = body.parallel_tool_calls is not False
    match body.tool_choice:
        case None | "none" | "auto":
            return Choice(names, False, parallel)
        case "required":
            _check_offered(names, [])
            return Choice(names, True, parallel)
        case NamedTool() as named:
            _check_offered(names, [named.function.name])
            return Choice((named.function.name,), True, False)
        case AllowedChoice() as allowed:
            chosen = [tool.function.name for tool in allowed.allowed_tools.tools]
            _check_offered(names, chosen)
            kept = tuple(name for name in names if name in chosen)
            return Choice(kept, allowed.allowed_tools.mode == "required", parallel)


def _check_offered(offered: tuple[str, ...], wanted: list[str]) -> None:
    if not offered:
        raise BadRequest("tool_choice asks for a call, but no tool is given", param="tool_choice")
    for name in wanted:
        if name not in offered:
            known = ", ".join(map(repr, offered)) or "none"
            raise BadRequest(
                f"tool_choice: no tool {name!r}; `tools` has {known}", param="tool_choice"
            )


def _answer(format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None) -> Object | None:
    match format:
        case None | TextFormat():
            return None
        case JsonObjectFormat():
            return {"type": "object"}
        case JsonSchemaFormat(json_schema=JsonSchema(schema_=schema)):
            param = "response_format.json_schema.schema"
            return _schema(schema, "response_format", param)


def _check_depth(value: Json, param: str) -> None:
    level: list[Json] = [value]
    for _ in range(MOST_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise BadRequest(f"{param}: nested more than {MOST_DEPTH} deep", param=param)
