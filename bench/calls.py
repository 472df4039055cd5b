"""Forced calls: one, and ten in one conversation, each with its result sent back.

llama-server writes as many tokens freely. Its own `tool_choice: required` lets a model say what it
likes before the call, and this model never comes to the call.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.figure import ROUNDS, Aim, Measurement, Sides, Value, in_turn, medians, ratio
from bench.server import Message, Server, said

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
QUESTION = said("What is the weather in Paris?")
TURNS = 10


@dataclass(slots=True)
class Conversation:
    """One client's, that grows: what came of each turn is sent back with the next."""

    server: Server
    messages: list[Message]
    tool: Any = field(default_factory=lambda: WEATHER)
    seconds: list[float] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)

    def turn(self, **asked: Any) -> int:
        """Ask once, take the call for done, and say how many tokens the answer had."""
        began = time.perf_counter()
        answer = self.server.ask(messages=self.messages, tools=[self.tool], **asked)
        self.seconds.append(time.perf_counter() - began)
        self.read.append(_read(answer))
        message = answer["choices"][0]["message"]
        [call] = message.get("tool_calls") or [{"id": "call_without_one"}]
        sky = f'{{"hour": {len(self.read)}, "sky": "light rain", "temperature": 14}}'
        self.messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": sky}]
        self.written.append(int(answer["usage"]["completion_tokens"]))
        return self.written[-1]


def one(sides: Sides) -> Iterator[Value]:
    def ours() -> float:
        return sides.gateway.ask_s(messages=QUESTION, tools=[WEATHER], tool_choice=FORCED)

    def theirs() -> float:
        return sides.peer.ask_s(messages=QUESTION, tools=[WEATHER], **_freely(tokens))

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
    ours_read, theirs_read = medians([(sum(a.read), sum(b.read)) for a, b in rounds])
    written = statistics.median(sum(ours.written) for ours, _ in rounds)
    return (
        ratio(seconds, 0, 1),
        f"{ours_s / TURNS * 1e3:.0f} / {theirs_s / TURNS * 1e3:.0f} ms a turn;"
        f" tokens a turn: {written / TURNS:.0f} written, of the prompt"
        f" {ours_read / TURNS:.0f} / {theirs_read / TURNS:.0f} read",
    )


def _conversations(sides: Sides, tool: Any, number: int) -> tuple[Conversation, Conversation]:
    """The same question to both, and then turn by turn as many tokens from both."""
    question = f"Question {number}. What do you know of the days to come, hour by hour?"
    ours = Conversation(sides.gateway, said(question), tool)
    theirs = Conversation(sides.peer, said(question), tool)
    choice = {"type": "function", "function": {"name": tool["function"]["name"]}}
    for _ in range(TURNS):
        theirs.turn(**_freely(ours.turn(tool_choice=choice)))
    return ours, theirs


def _freely(tokens: int) -> dict[str, Any]:
    """So many tokens, whatever they say."""
    return {"max_tokens": tokens, "ignore_eos": True}


def _read(answer: Any) -> int:
    """Tokens of the prompt that had to be read, by llama-server's own count or the usage."""
    if "timings" in answer:
        return int(answer["timings"]["prompt_n"])
    usage = answer["usage"]
    return int(usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"])


CALLS = (
    Measurement((Aim("a forced call / llama-server's free text as long", 0.5),), one),
    Measurement(
        (
            Aim("ten turns of calls / llama-server's, text as long", 0.5),
            Aim("the same with calls of five arguments", 0.5),
        ),
        loop,
    ),
)
