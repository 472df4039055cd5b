"""One answer of a model, put together from the chunks of its stream."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.chat.events import CallArguments, CallEnd, CallStart, Event, Reasoning, Text

Message = dict[str, Any]


class Answer:
    """What has arrived of an answer that was asked for when this object was made.

    `usage` and `finish` are empty until the answer is complete.
    """

    def __init__(self) -> None:
        self.text = ""
        self.reasoning = ""
        self.calls: list[Message] = []
        self.notes: list[str] = []
        self.finish = ""
        self.usage: Mapping[str, Any] = {}
        self._asked_s = self._last_s = time.perf_counter()
        self._first_s: float | None = None

    def feed(self, chunk: Mapping[str, Any]) -> Iterator[Event]:
        """Yields the events in a chunk of the OpenAI API's chat stream."""
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk["choices"]:
            for event in self._delta(choice.get("delta") or {}):
                self._last_s = time.perf_counter()
                self._first_s = self._first_s or self._last_s
                yield event
            self.notes += choice.get("notes") or ()
            if finish := choice.get("finish_reason"):
                self.finish = finish
                yield from self._end_call()

    @property
    def message(self) -> Message:
        """The answer as a message of the next request."""
        message: Message = {"role": "assistant", "content": self.text or None}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if self.calls:
            message["tool_calls"] = self.calls
        return message

    @property
    def timing(self) -> str:
        """The number of tokens, their rate, the time to the first, and the cached prompt."""
        tokens, prompt = self.usage.get("completion_tokens", 0), self.usage.get("prompt_tokens", 0)
        cached = (self.usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        parts = [f"{tokens} tokens"]
        if self._first_s is not None:
            if (seconds := self._last_s - self._first_s) > 0 and tokens > 1:
                parts.append(f"{(tokens - 1) / seconds:.1f} tokens/s")
            parts.append(f"first after {self._first_s - self._asked_s:.2f} s")
        return ", ".join([*parts, f"prompt {prompt} tokens, {cached} of them cached"])

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[Event]:
        if thought := delta.get("reasoning_content"):
            self.reasoning += thought
            yield Reasoning(thought)
        if text := delta.get("content"):
            self.text += text
            yield Text(text)
        for part in delta.get("tool_calls") or ():
            yield from self._call(part)

    def _call(self, part: Mapping[str, Any]) -> Iterator[Event]:
        """The events of a part of a call; a new index begins another call."""
        function = part["function"]
        if part["index"] == len(self.calls):
            yield from self._end_call()
            call = {"name": function["name"], "arguments": ""}
            self.calls.append({"id": part["id"], "type": "function", "function": call})
            yield CallStart(call["name"], part["id"])
        if arguments := function.get("arguments"):
            self.calls[-1]["function"]["arguments"] += arguments
            yield CallArguments(arguments)

    def _end_call(self) -> Iterator[Event]:
        if self.calls:
            yield CallEnd()
