"""Builds a conversation message by message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.chat.json import Json, Object
from training.data.client import Client
from training.data.request import Given
from training.data.setting import Kind
from training.data.tool import Tool


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages up to an assistant message; as an answer, that must contain all of `states`."""

    kind: Kind
    tools: Sequence[Object]
    messages: Sequence[Object]
    states: tuple[str, ...] = ()

    def line(self) -> str:
        """The conversation as a JSON line."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(fields, ensure_ascii=False)


Calls = Sequence[tuple[Tool, Given]]


@dataclass(slots=True)
class Writer:
    """Appends the messages of one conversation."""

    client: Client
    messages: list[Object] = field(default_factory=list)
    calls: int = 0

    def __post_init__(self) -> None:
        if self.client.system:
            self._write("system", self.client.system)

    def user(self, text: str) -> None:
        self._write("user", text)

    def answer(self, text: str) -> None:
        self._write("assistant", text)

    def call(self, calls: Calls) -> None:
        self._write(
            "assistant", None, tool_calls=[self._call(tool, given) for tool, given in calls]
        )

    def results(self, results: Sequence[Json]) -> None:
        """Append the results of the last calls, in their order."""
        first = self.calls - len(results) + 1
        separators = (",", ":") if self.client.is_terse else (", ", ": ")
        for i, result in enumerate(results):
            text = json.dumps(result, ensure_ascii=False, separators=separators)
            self._write("tool", text, tool_call_id=f"call_{first + i}")

    def done(self, kind: Kind, states: Sequence[str] = ()) -> Conversation:
        return Conversation(kind, self.client.tools, self.messages, tuple(states))

    def _write(self, role: str, content: Json, **more: Json) -> None:
        self.messages.append({"role": role, "content": content, **more})

    def _call(self, tool: Tool, given: Given) -> Object:
        self.calls += 1
        offer = next(offer for offer in self.client.offers if offer.tool is tool)
        arguments = json.dumps(offer.arguments(given), ensure_ascii=False)
        function: Object = {"name": offer.name, "arguments": arguments}
        return {"id": f"call_{self.calls}", "type": "function", "function": function}
