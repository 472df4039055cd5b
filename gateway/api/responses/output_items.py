"""The items of a response's output, each with the events that stream it.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeAlias

from gateway.api.openai.objects import logprob_object
from gateway.api.responses.ids import new_id
from gateway.api.responses.tools import ToolName
from gateway.api.signing import Signer
from gateway.chat.custom_tools import InputReader
from gateway.chat.events import Logprob
from gateway.chat.json import Json, Object

# The type of an event, without `response.`, and its own fields.
ItemEvent: TypeAlias = tuple[str, Object]


class OutputItem(Protocol):
    """An item that is being generated."""

    id: str

    def begin(self) -> Iterator[ItemEvent]:
        """Yields the events before the first piece of text."""
        ...

    def add(self, text: str) -> Iterator[ItemEvent]:
        """Yields the events of the next piece of text."""
        ...

    def end(self, status: str) -> Iterator[ItemEvent]:
        """Yields the events after the last piece; `status` is `completed` or `incomplete`."""
        ...


class Message:
    """The text of an answer; `pending` collects the log-probabilities of the next piece."""

    def __init__(self, pending: list[Logprob]) -> None:
        self.id = new_id("msg")
        self._text = ""
        self._pending = pending
        self._logprobs: list[Json] = []

    def begin(self) -> Iterator[ItemEvent]:
        yield "output_item.added", {"item": self._object("in_progress", [])}
        yield "content_part.added", {"content_index": 0, "part": self._part}

    def add(self, text: str) -> Iterator[ItemEvent]:
        logprobs: list[Json] = [logprob_object(token) for token in self._pending]
        self._pending.clear()
        self._text += text
        self._logprobs += logprobs
        yield "output_text.delta", {"content_index": 0, "delta": text, "logprobs": logprobs}

    def end(self, status: str) -> Iterator[ItemEvent]:
        text: Object = {"text": self._text, "logprobs": self._logprobs}
        yield "output_text.done", {"content_index": 0, **text}
        yield "content_part.done", {"content_index": 0, "part": self._part}
        yield "output_item.done", {"item": self._object(status, [self._part])}

    @property
    def _part(self) -> Object:
        logprobs: Json = [*self._logprobs]
        return {"type": "output_text", "text": self._text, "annotations": [], "logprobs": logprobs}

    def _object(self, status: str, content: list[Json]) -> Object:
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        }


class Reasoning:
    """A thought: as `content` or, if the client wants one, as the `summary`.

    With `signer`, the item has an `encrypted_content`, which a client can return instead.
    """

    def __init__(self, *, is_summary: bool, signer: Signer | None):
        self.id = new_id("rs")
        self._text = ""
        self._signer = signer
        self._is_summary = is_summary
        self._part_name = "reasoning_summary_part" if is_summary else "content_part"
        self._text_name = "reasoning_summary_text" if is_summary else "reasoning_text"
        self._index: Object = {"summary_index" if is_summary else "content_index": 0}

    def begin(self) -> Iterator[ItemEvent]:
        yield "output_item.added", {"item": self._object("in_progress", [])}
        yield f"{self._part_name}.added", {**self._index, "part": self._part}

    def add(self, text: str) -> Iterator[ItemEvent]:
        self._text += text
        yield f"{self._text_name}.delta", {**self._index, "delta": text}

    def end(self, status: str) -> Iterator[ItemEvent]:
        yield f"{self._text_name}.done", {**self._index, "text": self._text}
        yield f"{self._part_name}.done", {**self._index, "part": self._part}
        item = self._object(status, [self._part])
        if self._signer:
            item["encrypted_content"] = self._signer.signed(self._text)
        yield "output_item.done", {"item": item}

    @property
    def _part(self) -> Object:
        type = "summary_text" if self._is_summary else "reasoning_text"
        return {"type": type, "text": self._text}

    def _object(self, status: str, parts: list[Json]) -> Object:
        item: Object = {"id": self.id, "type": "reasoning", "status": status}
        if self._is_summary:
            return {**item, "summary": parts}
        return {**item, "summary": [], "content": parts}


class FunctionCall:
    """A call; `id` is what its output refers to, `tool` the client's name of the tool."""

    def __init__(self, id: str, tool: ToolName, probability: float | None = None):
        self.id = new_id("ctc" if tool.is_custom else "fc")
        kind = "custom_tool_call" if tool.is_custom else "function_call"
        self._head: Object = {"id": self.id, "type": kind, "call_id": id, "name": tool.name}
        if tool.namespace:
            self._head["namespace"] = tool.namespace
        if probability is not None:
            self._head["probability"] = probability
        self._field = "input" if tool.is_custom else "arguments"
        self._event = "custom_tool_call_input" if tool.is_custom else "function_call_arguments"
        self._input = InputReader() if tool.is_custom else None
        self._text = ""

    def begin(self) -> Iterator[ItemEvent]:
        yield "output_item.added", {"item": self._object("in_progress")}

    def add(self, text: str) -> Iterator[ItemEvent]:
        delta = self._input.feed(text) if self._input else text
        self._text += delta
        if delta:
            yield f"{self._event}.delta", {"delta": delta}

    def end(self, status: str) -> Iterator[ItemEvent]:
        named: Object = {} if self._input else {"name": self._head["name"]}
        yield f"{self._event}.done", {**named, self._field: self._text}
        yield "output_item.done", {"item": self._object(status)}

    def _object(self, status: str) -> Object:
        return {**self._head, "status": status, self._field: self._text}
