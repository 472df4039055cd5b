"""Converts the body of a request for a response into a `Request`."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api.body_size import check_count
from gateway.api.openai.chat_request import to_limit, to_sampling, to_stop
from gateway.api.responses.body import ResponseBody
from gateway.api.responses.input_items import InputItem, OtherItem
from gateway.api.responses.messages import to_messages
from gateway.api.responses.tools import to_response_schema, to_tool_choice, to_tools
from gateway.api.responses.tools_body import HostedTool
from gateway.api.signing import Signer
from gateway.chat.json import Object
from gateway.chat.messages import Speech
from gateway.chat.request import Request, Sampling
from gateway.config.limits import Limits
from gateway.errors import BadRequest

# What `include` may name.
LOGPROBS = "message.output_text.logprobs"
ENCRYPTED_REASONING = "reasoning.encrypted_content"


def to_request(
    body: ResponseBody,
    items: Sequence[InputItem],
    signer: Signer,
    sampling: Sampling,
    thinking_budget: int | None = None,
    limits: Limits = Limits(),
) -> Request:
    """Returns the request to continue the conversation of `items`.

    `sampling` and `thinking_budget` are the model's defaults. Raises BadRequest for what the body's
    types can't express: schemas, names, contradictions.
    """
    check_count("input", len(items), limits.messages, "messages")
    tools = to_tools(body.tools or [], limits)
    messages = to_messages(items, signer)
    if body.instructions:
        messages.insert(0, Speech("system", body.instructions))
    if not messages:
        raise BadRequest("input: it has no message", param="input")
    text_format = body.text.format if body.text else None
    return Request(
        model=body.model,
        messages=tuple(messages),
        tools=() if body.tool_choice == "none" else tools,
        tool_choice=to_tool_choice(
            body.tool_choice, tools, parallel=body.parallel_tool_calls is not False
        ),
        response_schema=to_response_schema(text_format, limits),
        sampling=to_sampling(body, sampling),
        max_tokens=to_limit(body.max_output_tokens),
        stop=to_stop(body),
        top_logprobs=_top_logprobs(body),
        thinking_budget=to_limit(body.thinking_budget, thinking_budget),
        tool_call_probability=bool(body.tool_call_probability),
        tool_call_threshold=body.tool_call_threshold,
        reproducible=bool(body.reproducible),
        template_variables=_variables(body),
    )


def left_out(body: ResponseBody) -> list[str]:
    """Returns a note for each kind of tool and item that only OpenAI's servers understand."""
    tools = [tool.type for tool in body.tools or [] if isinstance(tool, HostedTool)]
    given = body.input if isinstance(body.input, list) else []
    items = [item.type for item in given if isinstance(item, OtherItem)]
    return [
        *(
            f"left out: the tool {type!r} runs on OpenAI's servers only"
            for type in dict.fromkeys(tools)
        ),
        *(f"left out: items of type {type!r} of the input" for type in dict.fromkeys(items)),
    ]


def _top_logprobs(body: ResponseBody) -> int | None:
    if body.top_logprobs is None and not body.includes(LOGPROBS):
        return None
    return body.top_logprobs or 0


def _variables(body: ResponseBody) -> Object:
    variables: Object = dict(body.chat_template_kwargs or {})
    if body.reasoning and body.reasoning.effort is not None:
        variables["reasoning_effort"] = body.reasoning.effort
    return variables
