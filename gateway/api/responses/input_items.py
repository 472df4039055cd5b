"""The items of a request's `input`: messages, calls, their outputs, reasoning and references.

Source: https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter

from gateway.api.body import Body
from gateway.api.responses.ids import new_id
from gateway.chat.json import Object

ID_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "reasoning": "rs",
}


class TextPart(Body):
    type: Literal["input_text", "output_text", "text", "reasoning_text", "summary_text"]
    text: str


class RefusalPart(Body):
    type: Literal["refusal"]
    refusal: str

    @property
    def text(self) -> str:
        return self.refusal


Part = Annotated[TextPart | RefusalPart, Field(discriminator="type")]
Content = str | list[Part] | None


def text_of(content: Content) -> str:
    """The text of all parts."""
    if isinstance(content, list):
        return "".join(part.text for part in content)
    return content or ""


class Item(Body):
    id: str | None = None


class Message(Item):
    type: Literal["message"] = "message"
    role: Literal["user", "system", "developer", "assistant"]
    content: Content = None


class FunctionCall(Item):
    type: Literal["function_call"]
    call_id: str
    name: Annotated[str, Field(min_length=1)]
    arguments: Any = None
    namespace: str | None = None


class FunctionCallOutput(Item):
    type: Literal["function_call_output"]
    call_id: str | None = None
    name: str | None = None
    output: Content = None


class CustomToolCall(Item):
    type: Literal["custom_tool_call"]
    call_id: str
    name: Annotated[str, Field(min_length=1)]
    input: str = ""
    namespace: str | None = None


class CustomToolCallOutput(Item):
    type: Literal["custom_tool_call_output"]
    call_id: str | None = None
    output: Content = None


class ReasoningItem(Item):
    type: Literal["reasoning"]
    summary: list[Part] | None = None
    content: list[Part] | None = None
    encrypted_content: str | None = None


class ItemReference(Body):
    type: Literal["item_reference"] | None = "item_reference"
    id: str


class OtherItem(Item):
    """An item of a hosted tool, or of a kind that is newer than this gateway."""

    model_config = ConfigDict(extra="allow")

    type: str


KINDS = (
    *("message", "function_call", "function_call_output"),
    *("custom_tool_call", "custom_tool_call_output", "reasoning", "item_reference"),
)


def _kind(item: Any) -> str:
    fields = item if isinstance(item, dict) else getattr(item, "__dict__", {})
    if type := fields.get("type"):
        return type if type in KINDS else "other"
    return "message" if "role" in fields or "id" not in fields else "item_reference"


InputItem = Annotated[
    Annotated[Message, Tag("message")]
    | Annotated[FunctionCall, Tag("function_call")]
    | Annotated[FunctionCallOutput, Tag("function_call_output")]
    | Annotated[CustomToolCall, Tag("custom_tool_call")]
    | Annotated[CustomToolCallOutput, Tag("custom_tool_call_output")]
    | Annotated[ReasoningItem, Tag("reasoning")]
    | Annotated[ItemReference, Tag("item_reference")]
    | Annotated[OtherItem, Tag("other")],
    Discriminator(_kind),
]

_ITEMS: TypeAdapter[list[InputItem]] = TypeAdapter(list[InputItem])


def read_items(stored: list[Object]) -> list[InputItem]:
    """Returns items that were stored."""
    return _ITEMS.validate_python(stored)


def stored_item(item: InputItem) -> Object:
    """Returns an item as it is stored and listed: with an id, and content in parts."""
    fields: Object = item.model_dump(exclude_none=True)
    fields["id"] = item.id or new_id(ID_PREFIXES.get(str(item.type), "item"))
    if isinstance(item, Message):
        kind = "output_text" if item.role == "assistant" else "input_text"
        if isinstance(item.content, str):
            fields["content"] = [{"type": kind, "text": item.content}]
        fields["status"] = "completed"
    return fields
