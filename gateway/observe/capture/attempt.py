"""What is recorded of one request to an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.chat.json import Json, Object
from gateway.engine.generation import Accepted, Delta, Generation, Output, PromptUsage, TokenDetail


@dataclass(slots=True, eq=False)
class Attempt:
    """One request to an engine for the answer number `choice`, and what the engine generated.

    `special` has the texts of special tokens by their ids. `base_parts` is the number of parts of
    the prompt that the template wrote; the others are text of the answer that an earlier attempt
    has generated. `answer_prefix` is the part of the answer that the template's prompt contains.
    `version` changes with everything but the tokens.
    """

    choice: int
    generation: Generation
    special: Mapping[int, str]
    base_parts: int
    answer_prefix: str
    trigger: str | None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    tokens: list[TokenDetail | str] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    finish: str | None = None
    error: Object | None = None
    opening: Object | None = None
    was_interrupted: bool = False
    version: int = 0

    def record(self, output: Output) -> None:
        """Records an output of the engine."""
        match output:
            case Accepted(prompt_tokens) | PromptUsage(prompt_tokens):
                self.prompt_tokens = prompt_tokens or None
                self.version += 1
            case Delta():
                self._record_delta(output)

    def head(self) -> Object:
        """What was asked, and the length of the prompt."""
        generation = self.generation
        return {
            "choice": self.choice,
            "prompt": [self._part(part) for part in generation.prompt],
            "prompt_tokens": self.prompt_tokens,
            "cached_tokens": self.cached_tokens,
            "answer_prefix": self.answer_prefix,
            "earlier_text": self._earlier_text(),
            "grammar": generation.grammar,
            "trigger": self.trigger,
            "call_probability": self.opening and self.opening["probability"],
            "opening": self.opening,
        }

    def json(self) -> Object:
        return {
            **self.head(),
            "tokens": self.tokens_from(0),
            "raw": "".join(self.raw),
            "interrupted": self.was_interrupted,
            "finish": self.finish,
            "error": self.error,
        }

    def tokens_from(self, start: int) -> list[Json]:
        return [_token(token) for token in self.tokens[start:]]

    def _record_delta(self, delta: Delta) -> None:
        if self.cached_tokens is None:
            self.cached_tokens = delta.cached_tokens
            self.version += 1
        if delta.opening:
            self.opening = {
                "probability": delta.opening.probability,
                "is_call": delta.opening.is_so,
                "at": sum(map(len, self.raw)),
            }
            self.version += 1
        self.raw.append(delta.text)
        if delta.details:
            self.tokens += delta.details
        elif delta.text:  # the engine does not tell its tokens
            self.tokens.append(delta.text)
        self.was_interrupted = delta.was_interrupted
        self.finish = delta.finish

    def _part(self, part: str | int) -> Json:
        if isinstance(part, str):
            return {"text": part, "special": False}
        return {"text": self.special.get(part, ""), "special": part in self.special, "id": part}

    def _earlier_text(self) -> str:
        parts = self.generation.prompt[self.base_parts :]
        return "".join(self.special[part] if isinstance(part, int) else part for part in parts)


def _token(token: TokenDetail | str) -> Object:
    if isinstance(token, str):
        return {"id": None, "text": token, "special": None, "probability": None, "forced": None}
    return {
        "id": token.id,
        "text": token.text,
        "special": token.is_special,
        "probability": token.probability,
        "forced": token.is_forced,
    }
