"""Converts the items of a conversation into messages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.api.openai.chat_request import call_arguments
from gateway.api.responses.input_items import (
    CustomToolCall,
    CustomToolCallOutput,
    FunctionCall,
    FunctionCallOutput,
    InputItem,
    Message,
    ReasoningItem,
    text_of,
)
from gateway.api.responses.tools_body import flat_name
from gateway.api.signing import Signer
from gateway.chat.custom_tools import INPUT
from gateway.chat.messages import Call, Result, Speech, Turn
from gateway.chat.messages import Message as ChatMessage


def to_messages(items: Iterable[InputItem], signer: Signer) -> list[ChatMessage]:
    """Returns the messages of a conversation, without the items of hosted tools.

    Reasoning, text and calls that follow each other in this order are one turn.
    """
    messages: list[ChatMessage] = []
    for item in items:
        message = _message(item, signer)
        last = messages[-1] if messages else None
        if isinstance(last, Turn) and isinstance(message, Turn) and _continues(last, message):
            messages[-1] = _joined(last, message)
        elif message:
            messages.append(message)
    return messages


def _message(item: InputItem, signer: Signer) -> ChatMessage | None:
    match item:
        case Message(role="assistant"):
            return Turn(text_of(item.content))
        case Message():
            return Speech("user" if item.role == "user" else "system", text_of(item.content))
        case ReasoningItem():
            return Turn(reasoning=_thought(item, signer))
        case FunctionCall():
            name = flat_name(item.name, item.namespace)
            return Turn(calls=(Call(name, call_arguments(item.arguments), item.call_id),))
        case CustomToolCall():
            name = flat_name(item.name, item.namespace)
            return Turn(calls=(Call(name, {INPUT: item.input}, item.call_id),))
        case CustomToolCallOutput():
            return Result(text_of(item.output), item.call_id or "")
        case FunctionCallOutput():
            return Result(text_of(item.output), item.call_id or "", item.name or "")
    return None


def _thought(item: ReasoningItem, signer: Signer) -> str:
    """The reasoning as the model wrote it, or else its summary, which is the same text."""
    signed = signer.verified(item.encrypted_content) if item.encrypted_content else None
    return signed or text_of(item.content) or text_of(item.summary)


def _continues(turn: Turn, more: Turn) -> bool:
    """Whether `more` can follow `turn` in one turn: reasoning, then text, then calls."""
    return bool(more.calls) or not (turn.calls or turn.text)


def _joined(turn: Turn, more: Turn) -> Turn:
    return replace(
        turn,
        text=turn.text + more.text,
        reasoning="\n\n".join(filter(None, (turn.reasoning, more.reasoning))),
        calls=(*turn.calls, *more.calls),
    )
