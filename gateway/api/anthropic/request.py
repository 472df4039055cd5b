"""Converts the body of a Messages request into a `Request`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.api.anthropic.body import (
    AdaptiveThinking,
    AnthropicTool,
    AnyChoice,
    AnyTool,
    AutoChoice,
    CustomTool,
    DisabledThinking,
    EnabledThinking,
    MessagesBody,
    NamedChoice,
    NoChoice,
    OtherBlock,
    PromptBody,
    ToolChoice,
)
from gateway.api.anthropic.messages import to_messages
from gateway.api.anthropic.stream import Thoughts
from gateway.api.openai.chat_request import seeded
from gateway.api.signing import Signer
from gateway.api.tools import DeclaredTool, check_offered, checked_schema, checked_tools
from gateway.chat.json import Object
from gateway.chat.messages import Tool
from gateway.chat.request import Request, Sampling
from gateway.chat.request import ToolChoice as Choice
from gateway.config.limits import Limits
from gateway.errors import BadRequest

NO_THINKING = "none"
EFFORTS = {"xhigh": "high", "max": "high"}  # templates know three of Anthropic's five
DEFAULT_EFFORT = "high"  # as in the Anthropic API


def to_prompt(
    body: PromptBody,
    signer: Signer,
    thinking_budget: int | None = None,
    limits: Limits = Limits(),
) -> Request:
    """Returns the request with all that its prompt depends on.

    `signer` reads the thoughts that the client returns. `thinking_budget` is the model's default.
    Raises BadRequest for what the body's types can't express: schemas, names, contradictions.
    """
    tools = _tools(body.tools or [], limits)
    return Request(
        model=body.model,
        messages=to_messages(body, signer),
        tools=() if isinstance(body.tool_choice, NoChoice) else tools,
        tool_choice=_tool_choice(body.tool_choice, tools),
        response_schema=_response_schema(body, limits),
        thinking_budget=_budget(body, thinking_budget),
        template_variables={"reasoning_effort": _effort(body)},
    )


def to_request(
    body: MessagesBody,
    signer: Signer,
    sampling: Sampling,
    thinking_budget: int | None = None,
    limits: Limits = Limits(),
) -> Request:
    """Returns the request; `sampling` and `thinking_budget` are the model's defaults."""
    given = {name: getattr(body, name) for name in ("temperature", "top_p", "top_k")}
    merged = replace(sampling, **{n: v for n, v in given.items() if v is not None})
    return replace(
        to_prompt(body, signer, thinking_budget, limits),
        sampling=seeded(merged, reproducible=body.reproducible),
        max_tokens=body.max_tokens,
        stop=tuple(body.stop_sequences or ()),
        reproducible=bool(body.reproducible),
    )


def thoughts(body: PromptBody) -> Thoughts:
    """What the client gets of the thoughts; without `thinking`, none, as in the Anthropic API."""
    match body.thinking:
        case None | DisabledThinking():
            return Thoughts.NONE
        case EnabledThinking(display="omitted") | AdaptiveThinking(display="omitted"):
            return Thoughts.OMITTED
    return Thoughts.SHOWN


def left_out(body: PromptBody) -> list[str]:
    """Returns a note for each kind of tool and block that only Anthropic's servers understand."""
    hosted = [tool.type for tool in body.tools or () if isinstance(tool, AnthropicTool)]
    blocks = (block for message in body.messages for block in message.content)
    others = [block.type for block in blocks if isinstance(block, OtherBlock)]
    return [
        *(
            f"left out: the tool {type!r} runs on Anthropic's servers only"
            for type in dict.fromkeys(hosted)
        ),
        *(f"left out: blocks of the type {type!r}" for type in dict.fromkeys(others)),
    ]


def _effort(body: PromptBody) -> str:
    if thoughts(body) is Thoughts.NONE:
        return NO_THINKING
    effort = body.output_config.effort if body.output_config else None
    return EFFORTS.get(effort or "", effort or DEFAULT_EFFORT)


def _budget(body: PromptBody, default: int | None) -> int | None:
    budget = body.thinking.budget_tokens if isinstance(body.thinking, EnabledThinking) else None
    return default if budget is None else budget


def _tools(tools: Sequence[AnyTool], limits: Limits) -> tuple[Tool, ...]:
    """The tools of the client's own; those of Anthropic's servers are left out beside them."""
    declared = []
    for i, tool in enumerate(tools):
        match tool:
            case CustomTool(name=name, description=description, input_schema=schema):
                declared.append(
                    DeclaredTool(f"tools.{i}", name, description, schema, "input_schema")
                )
            case AnthropicTool() if not (tool.is_hosted and _has_own(tools)):
                raise BadRequest(
                    f"tools.{i}: {tool.type!r} is a tool of the Anthropic API, which this gateway"
                    " does not have; declare one of your own, with an `input_schema`",
                    param=f"tools.{i}",
                )
    return checked_tools(declared, limits)


def _has_own(tools: Sequence[AnyTool]) -> bool:
    return any(isinstance(tool, CustomTool) for tool in tools)


def _tool_choice(choice: ToolChoice | None, tools: Sequence[Tool]) -> Choice:
    names = tuple(tool.name for tool in tools)
    match choice:
        case None:
            return Choice(names)
        case AutoChoice():
            return Choice(names, False, not choice.disable_parallel_tool_use)
        case AnyChoice():
            check_offered(names, [])
            return Choice(names, True, not choice.disable_parallel_tool_use)
        case NamedChoice():
            check_offered(names, [choice.name])
            return Choice((choice.name,), True, False)
        case NoChoice():
            return Choice()


def _response_schema(body: PromptBody, limits: Limits) -> Object | None:
    config = body.output_config
    format = (config.format if config else None) or body.output_format
    if format is None:
        return None
    where = "output_config.format" if config and config.format else "output_format"
    return checked_schema(format.schema_, where, limits, param=f"{where}.schema")
