"""`truncation: auto`: a conversation that exceeds the context loses its oldest messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from gateway.api.serving import Events
from gateway.chat.messages import Message, Result, Speech
from gateway.chat.request import Request
from gateway.errors import ContextExceeded

DROPPED = 0.25  # of the conversation, each time that it does not fit


async def truncated(
    request: Request, start: Callable[[Request], Events], notes: list[str]
) -> Events:
    """Yields the events of `request`, or of what is left of it when it fits the context.

    `notes` gets a note of what was left out. Raises ContextExceeded if the last message alone does
    not fit.
    """
    messages = request.messages
    while True:
        has_begun = False
        try:
            async with aclosing(start(replace(request, messages=tuple(messages)))) as events:
                async for indexed in events:
                    if not has_begun and len(messages) < len(request.messages):
                        dropped = len(request.messages) - len(messages)
                        notes.append(f"left out: the {dropped} oldest messages, to fit the context")
                    has_begun = True
                    yield indexed
            return
        except ContextExceeded:
            shorter = without_oldest(messages)
            if has_begun or len(shorter) == len(messages):
                raise
            messages = shorter


def without_oldest(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Returns the messages without the oldest part of the conversation.

    The system messages at its start stay, and so do the last message, and results with their calls.
    """
    first = 0
    while first < len(messages) and _is_system(messages[first]):
        first += 1
    starts = [at for at in range(first, len(messages)) if not isinstance(messages[at], Result)]
    if len(starts) < 2:
        return tuple(messages)
    kept_from = starts[max(1, min(int(len(starts) * DROPPED), len(starts) - 1))]
    return (*messages[:first], *messages[kept_from:])


def _is_system(message: Message) -> bool:
    return isinstance(message, Speech) and message.role == "system"
