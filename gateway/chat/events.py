"""What an answer consists of while it comes: events, and what is told beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from gateway.chat.turns import Event
from gateway.engine.protocol import Logprob, Piece


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens: of the prompt, of those found read already, of the answer, of its reasoning."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0

    def after(self, piece: Piece, *, is_thinking: bool) -> Usage:
        """What it comes to with one more piece."""
        return replace(
            self,
            prompt=piece.ending.prompt_tokens if piece.ending else self.prompt,
            cached=piece.cached_tokens,
            completion=self.completion + piece.tokens,
            reasoning=self.reasoning + piece.tokens * is_thinking,
        )


@dataclass(frozen=True, slots=True)
class Started:
    """The engine took the request; from here on it has an answer."""


@dataclass(frozen=True, slots=True)
class Odds:
    """The log-probabilities of the tokens behind the events that follow."""

    logprobs: list[Logprob]


@dataclass(frozen=True, slots=True)
class Finished:
    """`reason` is "stop", "length" or "tool_calls"; `notes` says what was forgiven."""

    reason: str
    usage: Usage
    notes: tuple[str, ...] = ()


Part: TypeAlias = Event | Started | Odds | Finished
