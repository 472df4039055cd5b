"""Adapts messages to chat templates that reject or ignore some conversations.

Each function meets one requirement and takes arranged messages (`tool_ids.arrange`). Messages
that meet it already stay as they are, if that is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.chat.messages import Message, Result, Speech, Turn

# Messages that are added where a template requires one.
HELLO = "Hello."
OK = "Ok."
GO_ON = "Go on."


def one_call_per_turn(messages: Sequence[Message]) -> list[Message]:
    """Splits turns so that each has one call, with its result right after it."""
    rewritten: list[Message] = []
    places: dict[str, int] = {}  # call id -> where its result belongs, counted from the end
    for message in messages:
        if isinstance(message, Result) and message.call_id in places:
            rewritten.insert(len(rewritten) - places.pop(message.call_id), message)
            continue
        places = {}
        if isinstance(message, Turn) and len(message.calls) > 1:
            first, *others = message.calls
            rewritten.append(replace(message, calls=(first,)))
            rewritten += [Turn(calls=(call,)) for call in others]
            places = {call.id: len(others) - i for i, call in enumerate(message.calls)}
        else:
            rewritten.append(message)
    return rewritten


def text_in_own_turn(messages: Sequence[Message]) -> list[Message]:
    """Splits turns that have both text and calls."""
    rewritten: list[Message] = []
    for message in messages:
        if isinstance(message, Turn) and message.calls and message.text:
            rewritten += [Turn(message.text), replace(message, text="")]
        else:
            rewritten.append(message)
    return rewritten


def user_between_turns(messages: Sequence[Message]) -> list[Message]:
    """Puts a user message between text and calls, and between two turns with calls."""
    rewritten: list[Message] = []
    last: Message | None = None  # except system messages
    for message in text_in_own_turn(messages):
        both = (message, last)
        if all(isinstance(m, Turn) for m in both) and any(m and _has_calls(m) for m in both):
            rewritten.append(Speech("user", GO_ON))
        rewritten.append(message)
        last = last if _is_by("system", message) else message
    return rewritten


def calls_as_text(write: Callable[[Turn], str], messages: Sequence[Message]) -> list[Message]:
    """Makes calls a part of the text; `write` is how a turn is written."""
    return [
        Turn(write(replace(m, reasoning="")), m.reasoning) if isinstance(m, Turn) and m.calls else m
        for m in messages
    ]


def past_calls_as_text(write: Callable[[Turn], str], messages: Sequence[Message]) -> list[Message]:
    """Makes calls and results before the last user message a part of the text."""
    users = [i for i, m in enumerate(messages) if _is_by("user", m)]
    last = users[-1] if users else 0
    return [*results_as_text(calls_as_text(write, messages[:last])), *messages[last:]]


def results_as_text(messages: Sequence[Message]) -> list[Message]:
    """Turns results into user messages."""
    return [_as_speech(m) if isinstance(m, Result) else m for m in messages]


def unpaired_results_as_text(messages: Sequence[Message]) -> list[Message]:
    """Turns results without a call into user messages."""
    rewritten: list[Message] = []
    ids: list[str] = []
    for message in messages:
        if not isinstance(message, Result):
            ids = [call.id for call in message.calls] if isinstance(message, Turn) else []
        elif message.call_id in ids:
            ids.remove(message.call_id)
        else:
            message, ids = _as_speech(message), []
        rewritten.append(message)
    return rewritten


def no_empty_turns(messages: Sequence[Message]) -> list[Message]:
    """Drops turns without text and calls."""
    return [m for m in messages if not isinstance(m, Turn) or m.text or m.calls]


def one_system_message(messages: Sequence[Message]) -> list[Message]:
    """Joins all system messages into one, which comes first."""
    system, others = _without_system(messages)
    return [Speech("system", "\n\n".join(system)), *others] if system else others


def user_first(messages: Sequence[Message]) -> list[Message]:
    """Lets the first message after the system's be a user's."""
    first = next((i for i, m in enumerate(messages) if not _is_by("system", m)), None)
    if first is None:
        last = messages[-1].text if messages else HELLO
        return [*messages[:-1], Speech("user", last)]
    if _is_by("user", messages[first]):
        return list(messages)
    return [*messages[:first], Speech("user", HELLO), *messages[first:]]


def user_last(messages: Sequence[Message]) -> list[Message]:
    """Adds a user message if the last turn has calls without results."""
    ends_with_calls = any(map(_has_calls, messages[-1:]))
    return [*messages, Speech("user", GO_ON)] if ends_with_calls else list(messages)


def system_in_user(messages: Sequence[Message]) -> list[Message]:
    """Puts the text of system messages at the start of the first user message."""
    system, others = _without_system(messages)
    first = next((i for i, m in enumerate(others) if isinstance(m, Speech)), None)
    if first is None:
        return [*(Speech("user", text) for text in system), *others]
    text = "\n\n".join([*system, others[first].text])
    return [*others[:first], Speech("user", text), *others[first + 1 :]]


def alternating_roles(messages: Sequence[Message]) -> list[Message]:
    """Lets user and assistant alternate, by joining or adding messages; calls do not count."""
    rewritten: list[Message] = []
    last: Message | None = None  # the last message that counts
    for message in messages:
        if isinstance(message, Result) or _is_by("system", message) or _has_calls(message):
            rewritten.append(message)
            continue
        if last is not None and isinstance(message, type(last)):
            if rewritten[-1] is last:
                message = _joined(rewritten.pop(), message)
            else:
                rewritten.append(Speech("user", GO_ON) if isinstance(last, Turn) else Turn(OK))
        rewritten.append(message)
        last = message
    return rewritten


def _without_system(messages: Sequence[Message]) -> tuple[list[str], list[Message]]:
    """The texts of the system messages, and all other messages."""
    system = [m.text for m in messages if _is_by("system", m)]
    return system, [m for m in messages if not _is_by("system", m)]


def _is_by(role: str, message: Message) -> bool:
    return isinstance(message, Speech) and message.role == role


def _has_calls(message: Message) -> bool:
    return isinstance(message, Turn) and bool(message.calls)


def _as_speech(result: Result) -> Speech:
    return Speech("user", f"<tool_response>\n{result.text}\n</tool_response>")


def _joined(first: Message, second: Message) -> Message:
    text = "\n\n".join(filter(None, (first.text, second.text)))
    if isinstance(first, Turn) and isinstance(second, Turn):
        reasoning = "\n\n".join(filter(None, (first.reasoning, second.reasoning)))
        return Turn(text, reasoning)
    return Speech("user", text)
