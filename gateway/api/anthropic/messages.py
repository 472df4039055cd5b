"""Reads the system prompt and the messages of a Messages request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.api.anthropic.body import (
    Assistant,
    DocumentBlock,
    ImageBlock,
    PromptBody,
    System,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    User,
)
from gateway.api.anthropic.call_ids import from_client
from gateway.api.signing import Signer
from gateway.chat.messages import Call, Message, Result, Speech, Turn
from gateway.errors import BadRequest

# A line of Claude Code's system prompt that differs in each request, so no prefix would be cached.
BILLING = "x-anthropic-billing-header:"


def to_messages(body: PromptBody, signer: Signer) -> tuple[Message, ...]:
    """Returns all messages, the system prompt first; raises BadRequest for images and files."""
    messages: list[Message] = []
    if system := _instructions(body.system or ""):
        messages.append(Speech("system", system))
    for i, message in enumerate(body.messages):
        match message:
            case System():
                messages.append(Speech("system", _instructions(message.content)))
            case User():
                messages += _from_user(message, f"messages.{i}.content")
            case Assistant():
                messages.append(_turn(message, signer))
    if isinstance(messages[-1], Turn):
        raise BadRequest(
            "messages: the last message is the assistant's, and an answer can't continue it; end"
            " with a user message",
            param="messages",
        )
    return tuple(messages)


def _instructions(content: str | Sequence[TextBlock]) -> str:
    if isinstance(content, str):
        return content
    return "\n\n".join(block.text for block in content if not block.text.startswith(BILLING))


def _from_user(message: User, path: str) -> Iterator[Message]:
    """The results of tools, then what the user says."""
    if isinstance(message.content, str):
        yield Speech("user", message.content)
        return
    said = []
    for i, block in enumerate(message.content):
        if isinstance(block, ToolResultBlock):
            yield Result(_result_text(block, f"{path}.{i}.content"), from_client(block.tool_use_id))
        else:
            said.append(_shown_text(block, f"{path}.{i}"))
    if said or not message.content:
        yield Speech("user", "\n\n".join(said))


def _result_text(block: ToolResultBlock, path: str) -> str:
    if isinstance(block.content, list):
        text = "\n\n".join(
            _shown_text(shown, f"{path}.{i}") for i, shown in enumerate(block.content)
        )
    else:
        text = block.content or ""
    # Chat templates have no field for a failure, so the text must tell it.
    return f"Error: {text}" if block.is_error and "error" not in text[:50].lower() else text


def _shown_text(block: TextBlock | ImageBlock | DocumentBlock, path: str) -> str:
    match block:
        case TextBlock():
            return block.text
        case DocumentBlock() if block.source.type == "text":
            return f"{block.title}\n\n{block.source.data}" if block.title else block.source.data
        case DocumentBlock():
            found = f"a document whose source is {block.source.type!r}"
        case ImageBlock():
            found = "an image"
    raise BadRequest(f"{path}: found {found}; models of this gateway read text only", param=path)


def _turn(message: Assistant, signer: Signer) -> Turn:
    """The text and the thoughts of a turn, each joined as the model wrote it."""
    if isinstance(message.content, str):
        return Turn(message.content)
    text, thoughts, calls = "", "", []
    for block in message.content:
        match block:
            case TextBlock():
                text += block.text
            case ThinkingBlock():
                thoughts += signer.verified(block.signature) or block.thinking
            case ToolUseBlock():
                calls.append(Call(block.name, block.input, from_client(block.id)))
    return Turn(text, thoughts, tuple(calls))
