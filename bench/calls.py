"""Forced calls: a single one, and ten in one conversation, with results sent back.

llama-server generates the same number of tokens as free text. With its own `tool_choice: required`
a model may write text before the call, and this model never gets to the call.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.figure import ROUNDS, Aim, Measurement, Sides, Value, in_turn, medians, ratio
from bench.server import Message, Server, user_message

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
ROOM = {
    "type": "function",
    "function": {
        "name": "book_room",
        "description": "Book a meeting room",
        "parameters": {
            "type": "object",
            "properties": {
                "room": {"type": "string", "enum": ["Blue room", "Red room", "Garden"]},
                "day": {"type": "string", "enum": ["Monday", "Tuesday", "Wednesday"]},
                "start_hour": {"type": "integer", "minimum": 8, "maximum": 18},
                "number_of_guests": {"type": "integer", "minimum": 1, "maximum": 20},
                "needs_video": {"type": "boolean"},
            },
            "required": ["room", "day", "start_hour", "number_of_guests", "needs_video"],
        },
    },
}
FORCED = {"type": "function", "function": {"name": "get_weather"}}
QUESTION = user_message("What is the weather in Paris?")
TURNS = 10


@dataclass(slots=True)
class Conversation:
    """A conversation of one client; each turn sends back the result of the one before."""

    server: Server
    messages: list[Message]
    tool: Any = field(default_factory=lambda: WEATHER)
    seconds: list[float] = field(default_factory=list)
    prefilled: list[int] = field(default_factory=list)
    generated: list[int] = field(default_factory=list)

    def turn(self, **parameters: Any) -> int:
        """Request one answer and append a result to it; returns its number of tokens."""
        began = time.perf_counter()
        answer = self.server.ask(messages=self.messages, tools=[self.tool], **parameters)
        self.seconds.append(time.perf_counter() - began)
        self.prefilled.append(_prefill_tokens(answer))
        message = answer["choices"][0]["message"]
        [call] = message.get("tool_calls") or [{"id": "call_without_one"}]
        sky = f'{{"hour": {len(self.prefilled)}, "sky": "light rain", "temperature": 14}}'
        self.messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": sky}]
        self.generated.append(int(answer["usage"]["completion_tokens"]))
        return self.generated[-1]


def one(sides: Sides) -> Iterator[Value]:
    def ours() -> float:
        return sides.gateway.ask_s(messages=QUESTION, tools=[WEATHER], tool_choice=FORCED)

    def theirs() -> float:
        return sides.peer.ask_s(messages=QUESTION, tools=[WEATHER], **_free_text(tokens))

    tokens = Conversation(sides.gateway, list(QUESTION)).turn(tool_choice=FORCED)
    rounds = in_turn(ROUNDS, ours, theirs)
    ours_s, theirs_s = medians(rounds)
    yield (
        ratio(rounds, 0, 1),
        f"{ours_s * 1e3:.0f} / {theirs_s * 1e3:.0f} ms, {tokens} tokens",
    )


def loop(sides: Sides) -> Iterator[Value]:
    for tool in (WEATHER, ROOM):
        yield _loop(sides, tool)


def _loop(sides: Sides, tool: Any) -> Value:
    rounds = [_conversations(sides, tool, number) for number in range(ROUNDS // 2 + 2)][1:]
    seconds = [(sum(ours.seconds), sum(theirs.seconds)) for ours, theirs in rounds]
    ours_s, theirs_s = medians(seconds)
    ours_prefill, theirs_prefill = medians(
        [(sum(a.prefilled), sum(b.prefilled)) for a, b in rounds]
    )
    generated = statistics.median(sum(ours.generated) for ours, _ in rounds)
    return (
        ratio(seconds, 0, 1),
        f"{ours_s / TURNS * 1e3:.0f} / {theirs_s / TURNS * 1e3:.0f} ms per turn;"
        f" tokens per turn: {generated / TURNS:.0f} generated,"
        f" {ours_prefill / TURNS:.0f} / {theirs_prefill / TURNS:.0f} prefilled",
    )


def _conversations(sides: Sides, tool: Any, number: int) -> tuple[Conversation, Conversation]:
    """The same question to both sides, then the same number of tokens from both in each turn."""
    question = f"Question {number}. What do you know of the days to come, hour by hour?"
    ours = Conversation(sides.gateway, user_message(question), tool)
    theirs = Conversation(sides.peer, user_message(question), tool)
    choice = {"type": "function", "function": {"name": tool["function"]["name"]}}
    for _ in range(TURNS):
        theirs.turn(**_free_text(ours.turn(tool_choice=choice)))
    return ours, theirs


def _free_text(tokens: int) -> dict[str, Any]:
    """Parameters for `tokens` tokens of any text."""
    return {"max_tokens": tokens, "ignore_eos": True}


def _prefill_tokens(answer: Any) -> int:
    """Prompt tokens that were not cached, from llama-server's timings or from `usage`."""
    if "timings" in answer:
        return int(answer["timings"]["prompt_n"])
    usage = answer["usage"]
    return int(usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"])


CALLS = (
    Measurement((Aim("a forced call / llama-server, as many tokens of text", 0.5),), one),
    Measurement(
        (
            Aim("ten turns of calls / llama-server, as many tokens of text", 0.5),
            Aim("ten turns of calls with five arguments / likewise", 0.5),
        ),
        loop,
    ),
)
