"""A client of the real model, and what holds for each of its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from tests.e2e.tools import TODO, WEATHER, bounded
from tests.fakes import events

Message = dict[str, Any]

# Strings are bounded, since a small model may never end one.
TOOLS: list[Any] = [bounded(WEATHER, 60), bounded(TODO, 60)]
PARAMETERS = {tool["function"]["name"]: tool["function"]["parameters"] for tool in TOOLS}
ROUNDING = 0.3  # of a log-probability
MARKUP = ("<tool_call>", "</tool_call>", "<|im_")


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def result(call: Any, text: str) -> Message:
    return {"role": "tool", "tool_call_id": call["id"], "content": text}


@dataclass(frozen=True)
class Reply:
    """A choice, of a stream or not; `tokens` has its log-probabilities."""

    message: Message
    finish: str
    tokens: list[Any] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    probability: float | None = None  # of a call

    @property
    def text(self) -> str:
        return self.message["content"] or ""

    @property
    def calls(self) -> list[Any]:
        return self.message.get("tool_calls") or []

    @property
    def called(self) -> list[tuple[str, Any]]:
        """The names and arguments of the calls; asserts that each is valid under its schema."""
        found = []
        for call in self.calls:
            name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
            Draft202012Validator(PARAMETERS[name]).validate(arguments)
            found.append((name, arguments))
        return found

    @property
    def said(self) -> tuple[str, list[tuple[str, Any]], str]:
        """What the client gets, without ids; asserts that it is a complete answer."""
        assert (self.finish == "tool_calls") == bool(self.calls) or self.finish == "length"
        assert not any(mark in self.text for mark in MARKUP), self.text
        return self.text, self.called, self.finish

    def is_like(self, other: Reply) -> bool:
        """Whether both say the same, up to where two tokens are as likely but for rounding."""
        for one, another in zip(self.tokens, other.tokens, strict=False):
            if one["token"] != another["token"]:
                return bool(abs(one["logprob"] - another["logprob"]) < ROUNDING)
        return self.said == other.said


class Chat:
    """Asks the model, greedily."""

    def __init__(self, client: httpx.Client):
        self._client = client

    def ask(self, messages: list[Message], **more: Any) -> Reply:
        answer = self._client.post("/chat/completions", json=_body(messages, more))
        assert answer.status_code == 200, answer.text
        completion = answer.json()
        [choice] = completion["choices"]
        return Reply(
            choice["message"],
            choice["finish_reason"],
            (choice["logprobs"] or {}).get("content", []),
            completion["usage"],
            choice.get("tool_call_probability"),
        )

    def stream(self, messages: list[Message], **more: Any) -> Reply:
        """The same answer, folded from a stream."""
        answer = self._client.post("/chat/completions", json=_body(messages, more, stream=True))
        assert answer.status_code == 200, answer.text
        text, calls, tokens, finish = "", dict[int, Any](), list[Any](), ""
        for event in events(answer.text):
            [choice] = event["choices"]
            text += choice["delta"].get("content") or ""
            for piece in choice["delta"].get("tool_calls", ()):
                call = calls.setdefault(piece["index"], piece)
                if call is not piece:
                    call["function"]["arguments"] += piece["function"]["arguments"]
            tokens += (choice["logprobs"] or {}).get("content", [])
            finish = choice["finish_reason"] or finish
        return Reply({"content": text, "tool_calls": [*calls.values()]}, finish, tokens)


def _body(messages: list[Message], more: dict[str, Any], **most: Any) -> dict[str, Any]:
    return {
        "model": "real",
        "messages": messages,
        "tools": TOOLS,
        "max_tokens": 200,
        **more,
        **most,
    }
