"""The body of a request for a response, as the OpenAI API defines it. Unknown fields are ignored.

Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from gateway.api.body import Body, Items
from gateway.api.openai.chat_body import (
    MAX_TOP_LOGPROBS,
    GenerationBody,
    ThinkingBudget,
    TokenLimit,
)
from gateway.api.openai.chat_constraints import CONSTRAINTS
from gateway.api.responses.input_items import InputItem
from gateway.api.responses.tools_body import AnyTool, AnyToolChoice
from gateway.errors import BadRequest

MAX_METADATA = 16  # pairs, keys and values as in the OpenAI API

Metadata = Annotated[
    dict[
        Annotated[str, Field(max_length=64)],
        Annotated[str, Field(max_length=512)],
    ],
    Field(max_length=MAX_METADATA),
]


class TextFormat(Body):
    type: Literal["text"] = "text"


class JsonObjectFormat(Body):
    type: Literal["json_object"]


class JsonSchemaFormat(Body):
    type: Literal["json_schema"]
    name: str | None = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    description: str | None = None
    strict: bool | None = None


AnyFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


class TextOptions(Body):
    format: AnyFormat | None = None
    verbosity: str | None = None


class ReasoningOptions(Body):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None  # the former name of `summary`


class ResponseBody(GenerationBody):
    """The body of POST /v1/responses."""

    input: str | Items[InputItem] | None = None
    instructions: str | None = None
    previous_response_id: str | None = None
    tools: Items[AnyTool] | None = None
    tool_choice: AnyToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    max_output_tokens: TokenLimit | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MAX_TOP_LOGPROBS)] | None = None
    include: Items[str] | None = None
    metadata: Metadata | None = None
    truncation: Literal["disabled", "auto"] | None = None
    store: bool | None = None
    background: bool | None = None
    thinking_budget: ThinkingBudget = None
    tool_call_probability: bool | None = None
    tool_call_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    chat_template_kwargs: dict[str, Any] | None = None

    unsupported: ClassVar[dict[str, str]] = {
        "conversation": "use `previous_response_id`, or send the whole conversation as `input`",
        "prompt": "there are no stored prompts; send the text as `instructions`",
        **dict.fromkeys(("max_tokens", "max_completion_tokens"), "use `max_output_tokens`"),
        **dict.fromkeys(("response_format", *CONSTRAINTS), "use `text.format`"),
    }

    @model_validator(mode="after")
    def check_background(self) -> ResponseBody:
        if self.background and self.store is False:
            raise BadRequest("background needs `store: true`", param="background")
        return self

    def includes(self, what: str) -> bool:
        return what in (self.include or ())

    @property
    def summarizes(self) -> bool:
        """Whether the client wants reasoning as a summary."""
        reasoning = self.reasoning or ReasoningOptions()
        return bool(reasoning.summary or reasoning.generate_summary)
