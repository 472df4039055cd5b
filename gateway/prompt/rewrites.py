"""Arranged messages -> messages as a chat template that demands more can bear them.

Each function meets one demand. What is well formed stays as it is, where it can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.chat.messages import Message, Result, Speech, Turn

# What is said for those who said nothing, where a template demands that they speak.
HELLO = "Hello."
OK = "Ok."
GO_ON = "Go on."


def one_call_a_turn(messages: Sequence[Message]) -> list[Message]:
    """Arranged messages with a turn for each call, and its result right after that."""
    parted: list[Message] = []
    turns: dict[str, int] = {}  # a call's id -> where its result belongs, counted from the end
    for message in messages:
        if isinstance(message, Result) and message.call_id in turns:
            parted.insert(len(parted) - turns.pop(message.call_id), message)
            continue
        turns = {}
        if isinstance(message, Turn) and len(message.calls) > 1:
            first, *others = message.calls
            parted.append(replace(message, calls=(first,)))
            parted += [Turn(calls=(call,)) for call in others]
            turns = {call.id: len(others) - i for i, call in enumerate(message.calls)}
        else:
            parted.append(message)
    return parted


def text_apart(messages: Sequence[Message]) -> list[Message]:
    """Messages with a turn of its own for what is said beside calls."""
    parted: list[Message] = []
    for message in messages:
        if isinstance(message, Turn) and message.calls and message.text:
            parted += [Turn(message.text), replace(message, text="")]
        else:
            parted.append(message)
    return parted


def text_answered(messages: Sequence[Message]) -> list[Message]:
    """Messages with the user between what is said and what is called, and between calls."""
    parted: list[Message] = []
    last: Message | None = None  # but for the system's
    for message in text_apart(messages):
        both = (message, last)
        if all(isinstance(m, Turn) for m in both) and any(m and _is_call(m) for m in both):
            parted.append(Speech("user", GO_ON))
        parted.append(message)
        last = last if _is_by("system", message) else message
    return parted


def calls_as_text(write: Callable[[Turn], str], messages: Sequence[Message]) -> list[Message]:
    """Messages whose calls are part of what is said; `write` says how a turn is written."""
    return [
        Turn(write(replace(m, reasoning="")), m.reasoning) if isinstance(m, Turn) and m.calls else m
        for m in messages
    ]


def past_calls_as_text(write: Callable[[Turn], str], messages: Sequence[Message]) -> list[Message]:
    """Messages whose calls and results before the last user message are part of what is said."""
    users = [i for i, m in enumerate(messages) if _is_by("user", m)]
    last = users[-1] if users else 0
    return [*results_as_text(calls_as_text(write, messages[:last])), *messages[last:]]


def results_as_text(messages: Sequence[Message]) -> list[Message]:
    """Messages whose results are told by the user."""
    return [_told(m) if isinstance(m, Result) else m for m in messages]


def orphans_as_text(messages: Sequence[Message]) -> list[Message]:
    """Arranged messages whose results that answer no call are told by the user."""
    told: list[Message] = []
    ids: list[str] = []
    for message in messages:
        if not isinstance(message, Result):
            ids = [call.id for call in message.calls] if isinstance(message, Turn) else []
        elif message.call_id in ids:
            ids.remove(message.call_id)
        else:
            message, ids = _told(message), []
        told.append(message)
    return told


def no_empty_turn(messages: Sequence[Message]) -> list[Message]:
    """Messages without the turns in which nothing is said and nothing called."""
    return [m for m in messages if not isinstance(m, Turn) or m.text or m.calls]


def one_system_text(messages: Sequence[Message]) -> list[Message]:
    """Messages whose system texts are one, at the head."""
    system, others = _parted(messages)
    return [Speech("system", "\n\n".join(system)), *others] if system else others


def user_first(messages: Sequence[Message]) -> list[Message]:
    """Messages that begin with a user's, after the system's."""
    first = next((i for i, m in enumerate(messages) if not _is_by("system", m)), None)
    if first is None:
        last = messages[-1].text if messages else HELLO
        return [*messages[:-1], Speech("user", last)]
    if _is_by("user", messages[first]):
        return list(messages)
    return [*messages[:first], Speech("user", HELLO), *messages[first:]]


def user_last(messages: Sequence[Message]) -> list[Message]:
    """Messages that do not end with calls."""
    ends_with_call = any(map(_is_call, messages[-1:]))
    return [*messages, Speech("user", GO_ON)] if ends_with_call else list(messages)


def system_in_user(messages: Sequence[Message]) -> list[Message]:
    """Messages whose system text stands at the head of the first user message."""
    system, others = _parted(messages)
    first = next((i for i, m in enumerate(others) if isinstance(m, Speech)), None)
    if first is None:
        return [*(Speech("user", text) for text in system), *others]
    text = "\n\n".join([*system, others[first].text])
    return [*others[:first], Speech("user", text), *others[first + 1 :]]


def alternating(messages: Sequence[Message]) -> list[Message]:
    """Messages in which user and assistant speak in turn; calls and results do not count."""
    turns: list[Message] = []
    last: Message | None = None  # who spoke last, and not only called
    for message in messages:
        if isinstance(message, Result) or _is_by("system", message) or _is_call(message):
            turns.append(message)
            continue
        if last is not None and isinstance(message, type(last)):
            if turns[-1] is last:
                message = _joined(turns.pop(), message)
            else:
                turns.append(Speech("user", GO_ON) if isinstance(last, Turn) else Turn(OK))
        turns.append(message)
        last = message
    return turns


def _parted(messages: Sequence[Message]) -> tuple[list[str], list[Message]]:
    """The system's texts, and all other messages."""
    system = [m.text for m in messages if _is_by("system", m)]
    return system, [m for m in messages if not _is_by("system", m)]


def _is_by(role: str, message: Message) -> bool:
    return isinstance(message, Speech) and message.role == role


def _is_call(message: Message) -> bool:
    return isinstance(message, Turn) and bool(message.calls)


def _told(result: Result) -> Speech:
    return Speech("user", f"<tool_response>\n{result.text}\n</tool_response>")


def _joined(first: Message, second: Message) -> Message:
    text = "\n\n".join(filter(None, (first.text, second.text)))
    if isinstance(first, Turn) and isinstance(second, Turn):
        reasoning = "\n\n".join(filter(None, (first.reasoning, second.reasoning)))
        return Turn(text, reasoning)
    return Speech("user", text)
