"""The traffic of agents: conversations of many programs, drawn from a seed.

The texts are those of the evaluation's cases (`gateway/evaluation/cases`), cut to the lengths that
are drawn. Nothing of it was recorded from users.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import log
from pathlib import Path
from random import Random

from gateway.cluster.routing.blocks import Blocks, blocks
from gateway.cluster.routing.held import BYTES_PER_TOKEN
from gateway.cluster.routing.key import RoutingKey

CASES = Path(__file__).parents[2] / "gateway" / "evaluation" / "cases"
MODEL = "m"
PROGRAMS = 200  # each with tools and a system prompt; their popularity follows Zipf's law
MAX_TURNS = 60
MAX_BYTES = 30_000 * BYTES_PER_TOKEN  # of a prompt, unless it is the first
CALLS = 0.7  # of the turns end with a call of a tool; after the others, a user writes


@dataclass(frozen=True, slots=True)
class Skewed:
    """A log-normal distribution."""

    median: float
    sigma: float

    def draw(self, random: Random) -> float:
        return random.lognormvariate(log(self.median), self.sigma)


TURNS = Skewed(6, 0.9)  # requests of a conversation
HEAD_TOKENS = Skewed(2500, 0.8)  # tools and system prompt
QUESTION_TOKENS = Skewed(150, 1.0)
RESULT_TOKENS = Skewed(300, 1.2)  # what a tool returns
ANSWER_TOKENS = Skewed(100, 0.8)
TOOL_S = Skewed(1.5, 1.0)
USER_S = Skewed(20, 1.0)  # how long a user thinks


@dataclass(frozen=True, slots=True)
class Turn:
    """A request: where its prompt and its answer end, and the seconds from there to the next."""

    prompt_bytes: int
    whole_bytes: int
    answer_tokens: int
    pause_s: float


@dataclass(frozen=True, slots=True)
class Conversation:
    session: str
    start_s: float
    blocks: Blocks
    turns: Sequence[Turn]

    def key(self, turn: Turn) -> RoutingKey:
        return RoutingKey(MODEL, self.session, self.beginning(turn.prompt_bytes))

    def beginning(self, end: int) -> Blocks:
        """The blocks of the first `end` bytes."""
        count = bisect_right(self.blocks.ends, end)
        return Blocks(self.blocks.hashes[:count], self.blocks.ends[:count])


@dataclass(frozen=True, slots=True)
class Traffic:
    """Conversations that begin within `seconds`."""

    seconds: float
    conversations: Sequence[Conversation]


def traffic(seed: int, per_s: float, seconds: float) -> Traffic:
    """Returns conversations that begin at random, `per_s` a second."""
    return Traffic(seconds, [*_Source(Random(seed)).conversations(per_s, seconds)])


class _Source:
    def __init__(self, random: Random):
        self._random = random
        self._texts, tools = _material()
        self._programs = [self._program(tools, number) for number in range(PROGRAMS)]
        self._popularity = [*accumulate(1 / (rank + 1) for rank in range(PROGRAMS))]

    def conversations(self, per_s: float, seconds: float) -> Iterator[Conversation]:
        now_s, number = 0.0, 0
        while (now_s := now_s + self._random.expovariate(per_s)) < seconds:
            yield self._conversation(f"conversation {number}", now_s)
            number += 1

    def _program(self, tools: bytes, number: int) -> list[bytes]:
        half = self._bytes(HEAD_TOKENS) // 2
        at = self._random.randrange(len(tools))
        return [b"%d " % number + _cut(tools, at, half), self._text(half)]

    def _conversation(self, session: str, start_s: float) -> Conversation:
        popularity = self._random.random() * self._popularity[-1]
        head = self._programs[bisect_right(self._popularity, popularity)]
        pieces = [*head, session.encode() + self._text(self._bytes(QUESTION_TOKENS))]
        turns = list[Turn]()
        for _ in range(min(1 + round(TURNS.draw(self._random)), MAX_TURNS)):
            prompt = sum(map(len, pieces)) + len(pieces)
            if turns and prompt > MAX_BYTES:
                break
            answer = self._bytes(ANSWER_TOKENS)
            calls = self._random.random() < CALLS
            pause_s = (TOOL_S if calls else USER_S).draw(self._random)
            turns.append(Turn(prompt, prompt + answer + 1, answer // BYTES_PER_TOKEN, pause_s))
            next_bytes = self._bytes(RESULT_TOKENS if calls else QUESTION_TOKENS)
            pieces += [self._text(answer), self._text(next_bytes)]
        return Conversation(session, start_s, blocks(MODEL, pieces), turns)

    def _bytes(self, tokens: Skewed) -> int:
        return max(1, round(tokens.draw(self._random))) * BYTES_PER_TOKEN

    def _text(self, length: int) -> bytes:
        return _cut(self._texts, self._random.randrange(len(self._texts)), length)


def _cut(text: bytes, at: int, length: int) -> bytes:
    times = (at + length) // len(text) + 1
    return (text * times)[at : at + length]


def _material() -> tuple[bytes, bytes]:
    """The messages of all cases, and the JSON of all tools."""
    cases = [path.read_text().splitlines() for path in sorted(CASES.glob("*.jsonl"))]
    messages = [json.dumps(json.loads(line)["messages"]) for lines in cases for line in lines]
    tools = [json.dumps(json.loads(path.read_text())) for path in sorted(CASES.glob("*.json"))]
    return " ".join(messages).encode(), " ".join(tools).encode()
