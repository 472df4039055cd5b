"""Parts of an answer -> the OpenAI API's chunks, and those chunks' fold: a completion.

Source: https://platform.openai.com/docs/api-reference/chat/streaming
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.chat.events import (
    CallArguments,
    CallEnd,
    CallStart,
    Finished,
    Logprob,
    Logprobs,
    Part,
    Reasoning,
    Started,
    Text,
    Usage,
    call_id,
)

Chunk = dict[str, Any]
Delta = dict[str, Any]


@dataclass(slots=True)
class Head:
    """What every chunk of an answer carries."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def chunk(self, choices: list[Chunk], **more: Any) -> Chunk:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
            **more,
        }


@dataclass(slots=True)
class _Choice:
    calls: int = 0
    call: Chunk = field(default_factory=dict)
    held: list[Chunk] = field(default_factory=list)
    logprobs: list[Logprob] = field(default_factory=list)


class Chunks:
    """Renders one request's parts, in order, as chunks.

    `always_content` puts a `content` into every delta, for clients that add it up unasked.
    `whole` puts all calls of an answer into one delta, at its end: some clients look for no second
    one. The parts of a call must then come without a break.
    """

    def __init__(
        self, head: Head, answers: int = 1, *, whole: bool = False, always_content: bool = False
    ):
        self.usage = Usage()
        self._head = head
        self._whole = whole
        self._always_content = always_content
        self._choices = [_Choice() for _ in range(answers)]

    def render(self, index: int, part: Part) -> Iterator[Chunk]:
        """The chunks that `part` of the answer at `index` becomes."""
        choice = self._choices[index]
        match part:
            case Started():
                yield self._chunk(index, {"role": "assistant", "content": ""})
            case Text(text):
                yield self._chunk(index, {"content": text})
            case Reasoning(text):
                yield self._chunk(index, {"reasoning_content": text})
            case CallStart(name, id):
                choice.call = _call(choice.calls, name, id)
                if not self._whole:
                    yield self._chunk(index, {"tool_calls": [choice.call]})
            case CallArguments(json) if self._whole:
                choice.call["function"]["arguments"] += json
            case CallArguments(json):
                delta = {"index": choice.calls, "function": {"arguments": json}}
                yield self._chunk(index, {"tool_calls": [delta]})
            case CallEnd():
                choice.calls += 1
                if self._whole:
                    choice.held.append(choice.call)
            case Logprobs(logprobs):
                choice.logprobs += logprobs
            case Finished(reason, usage, notes):
                self.usage = _sum(self.usage, usage)
                if choice.held:
                    yield self._chunk(index, {"tool_calls": choice.held})
                yield self._chunk(
                    index, {}, reason, **({"notes": [note.text for note in notes]} if notes else {})
                )

    def usage_chunk(self) -> Chunk:
        return self._head.chunk([], usage=usage_object(self.usage))

    def _chunk(self, index: int, delta: Delta, finish: str | None = None, **more: Any) -> Chunk:
        if self._always_content:
            delta.setdefault("content", "")
        choice = self._choices[index]
        odds = {"content": [_odds(one) for one in choice.logprobs], "refusal": None}
        logprobs = odds if choice.logprobs else None
        choice.logprobs = []
        return self._head.chunk(
            [
                {
                    "index": index,
                    "delta": delta,
                    "logprobs": logprobs,
                    "finish_reason": finish,
                    **more,
                }
            ]
        )


def fold(head: Head, chunks: Iterator[Chunk], usage: Usage) -> Chunk:
    """The completion that `chunks` add up to."""
    choices: dict[int, Chunk] = {}
    for chunk in chunks:
        for piece in chunk["choices"]:
            index = piece["index"]
            _add(choices.setdefault(index, _empty_choice(index)), piece)
    for choice in choices.values():
        message = choice["message"]
        if "tool_calls" in message:
            message["content"] = message["content"] or None
    return {
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [choices[index] for index in sorted(choices)],
        "usage": usage_object(usage),
    }


def _add(choice: Chunk, piece: Chunk) -> None:
    message, delta = choice["message"], piece["delta"]
    for key in ("content", "reasoning_content"):
        if key in delta:
            message[key] = (message.get(key) or "") + delta[key]
    for call in delta.get("tool_calls", ()):
        calls = message.setdefault("tool_calls", [])
        if "id" in call:
            own = {key: value for key, value in call.items() if key != "index"}
            calls.append({**own, "function": dict(call["function"])})
        else:
            calls[call["index"]]["function"]["arguments"] += call["function"]["arguments"]
    if piece["logprobs"]:
        held = choice["logprobs"] or {"content": [], "refusal": None}
        held["content"] += piece["logprobs"]["content"]
        choice["logprobs"] = held
    choice["finish_reason"] = piece["finish_reason"]
    if "notes" in piece:
        choice["notes"] = piece["notes"]


def _empty_choice(index: int) -> Chunk:
    message = {"role": "assistant", "content": ""}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": None}


def _call(index: int, name: str, id: str) -> Chunk:
    return {
        "index": index,
        "id": id or call_id(),
        "type": "function",
        "function": {"name": name, "arguments": ""},
    }


def usage_object(usage: Usage) -> Chunk:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def _sum(so_far: Usage, one: Usage) -> Usage:
    """Of several answers: the prompt counts once, what was written adds up."""
    return Usage(
        one.prompt,
        max(so_far.cached, one.cached),
        so_far.completion + one.completion,
        so_far.reasoning + one.reasoning,
    )


def _odds(one: Logprob) -> Chunk:
    return {
        "token": one.token,
        "logprob": one.logprob,
        "bytes": one.bytes,
        "top_logprobs": [
            {"token": other.token, "logprob": other.logprob, "bytes": other.bytes}
            for other in one.top
        ],
    }
