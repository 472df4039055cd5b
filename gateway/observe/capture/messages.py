"""A capture as the messages that a client gets who follows the request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from gateway.chat.json import Object

Message: TypeAlias = tuple[str, Object]  # a name, and its value

# The fields of an attempt that a message `prompt` has not: they are known at its end.
ENDINGS = ("tokens", "raw", "interrupted", "finish", "error")


def messages(document: dict[str, Any]) -> Iterator[Message]:
    """Yields the messages of a request that is over."""
    for i, attempt in enumerate(document["attempts"]):
        head = {key: value for key, value in attempt.items() if key not in ENDINGS}
        yield "prompt", {"attempt": i, **head}
        if attempt["tokens"]:
            yield "token", {"attempt": i, "tokens": attempt["tokens"]}
    for event in document["events"]:
        yield "event", event
    yield "done", rest(document)


def rest(document: Object) -> Object:
    """Returns the value of the last message, `done`."""
    return {key: value for key, value in document.items() if key not in ("attempts", "events")}
