"""The answer to a case, read from a chat completion or from the chunks of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from gateway.chat.json import Object, parse_json


class Call(Struct, frozen=True):
    """A tool call that was made; `arguments` is the JSON text as the server sent it."""

    name: str
    arguments: str

    @property
    def values(self) -> Object | None:
        """The arguments, or None if they are not a JSON object."""
        try:
            value = parse_json(self.arguments)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


class Answer(Struct, frozen=True):
    """The answer to a request; `error` says why there is none. `finish` is the finish_reason."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    error: str = ""
    seconds: float = 0

    @classmethod
    def of(cls, message: Mapping[str, Any], finish: str = "stop", seconds: float = 0) -> Answer:
        """The answer in an assistant message."""
        functions = [call["function"] for call in message.get("tool_calls") or ()]
        calls = tuple(Call(call["name"], call["arguments"]) for call in functions)
        return cls(message.get("content") or "", calls, finish, seconds=seconds)

    def equals(self, other: Answer) -> bool:
        """Whether both have the same text, calls and finish_reason."""
        return (self.text, self.calls, self.finish) == (other.text, other.calls, other.finish)


def of_completion(body: Mapping[str, Any], seconds: float) -> Answer:
    """The answer of a chat completion with one choice; raises LookupError or TypeError."""
    [choice] = body["choices"]
    return Answer.of(choice["message"], choice["finish_reason"], seconds)


def of_events(lines: Iterable[str], seconds: float) -> Answer:
    """The answer of an event stream, given its lines; raises ValueError, LookupError, TypeError."""
    text, finish = "", ""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for chunk in chunks(lines):
        if error := chunk.get("error"):
            return Answer(error=f"{error.get('message', error)}", seconds=seconds)
        for choice in chunk["choices"]:
            delta = choice.get("delta") or {}
            text += delta.get("content") or ""
            finish = choice.get("finish_reason") or finish
            for part in delta.get("tool_calls") or ():
                at, function = part.get("index", 0), part.get("function") or {}
                names[at] = names.get(at, "") + (function.get("name") or "")
                arguments[at] = arguments.get(at, "") + (function.get("arguments") or "")
    calls = tuple(Call(names[at], arguments[at]) for at in sorted(names))
    return Answer(text, calls, finish, seconds=seconds)


def chunks(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yields the objects of an event stream, given its lines; raises ValueError."""
    for line in lines:
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            yield json.loads(data)
