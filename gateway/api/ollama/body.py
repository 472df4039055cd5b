"""The bodies of Ollama's API. Unknown fields are ignored.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from gateway.api.body import INT32_MAX, Body, Items, RequestBody
from gateway.api.openai.chat_body import MAX_TOP_LOGPROBS, FunctionTool, SamplingBody
from gateway.api.unknown_fields import unknown_fields
from gateway.observe.trace import current

NO_IMAGES = "models of this gateway read text only"


class Options(SamplingBody):
    """Options of a request; those for loading, such as `num_ctx`, are the model's own here.

    A negative `num_predict` is no limit.
    """

    num_predict: Annotated[int, Field(ge=-2, le=INT32_MAX)] | None = None

    @model_validator(mode="before")
    @classmethod
    def check_names(cls, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = unknown_fields(data, cls.model_fields)
            current().ignored_fields += [f"options.{name}" for name in unknown]
        return data


class Function(Body):
    name: Annotated[str, Field(min_length=1)]
    arguments: Any = None


class ToolCall(Body):
    id: str | None = None
    function: Function


class Message(Body):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    thinking: str | None = None
    tool_calls: Items[ToolCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None
    images: list[Any] | None = None


class AnswerBody(RequestBody):
    """The fields of all requests for text."""

    model: str
    stream: bool | None = None
    format: Literal["", "json"] | dict[str, Any] | None = None
    options: Options | None = None
    think: bool | str | None = None
    keep_alive: float | str | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MAX_TOP_LOGPROBS)] | None = None


class OllamaChatBody(AnswerBody):
    """The body of POST /api/chat; without messages, it asks to load the model."""

    messages: Items[Message] | None = None
    tools: Items[FunctionTool] | None = None


class GenerateBody(AnswerBody):
    """The body of POST /api/generate; without a prompt, it asks to load the model.

    A `raw` prompt is not put into the chat template.
    """

    prompt: str | None = None
    system: str | None = None
    raw: bool | None = None

    unsupported: ClassVar[dict[str, str]] = {
        "images": NO_IMAGES,
        "suffix": "send the model's fill-in-the-middle tokens in a `raw` prompt",
        "template": "the chat template is set in models.yaml; a `raw` prompt needs none",
        "context": "send the whole conversation to /api/chat",
    }


class EmbedBody(RequestBody):
    """The body of POST /api/embed."""

    model: str
    input: str | Items[str]
    dimensions: Annotated[int, Field(ge=1, le=INT32_MAX)] | None = None

    @property
    def inputs(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) else self.input


class ShowBody(RequestBody):
    """The body of POST /api/show."""

    model: str
