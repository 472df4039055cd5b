"""What is asked of a model."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.chat.json import Object
from gateway.chat.messages import Message, Tool


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn; the names and ranges are llama.cpp's.

    `temperature` 0 takes the likeliest token. The penalties count what this answer has
    generated so far. `seed` None draws a fresh one.
    """

    temperature: float = 0.8
    top_p: float = 0.95
    top_k: int = 40
    min_p: float = 0.05
    seed: int | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repeat_penalty: float = 1.0


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tools may be called, whether one must be, and whether several may be."""

    names: tuple[str, ...] = ()
    required: bool = False
    parallel: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """One chat request, checked and free of its HTTP dialect.

    `answer` is the JSON Schema that the text must match, if any. `max_tokens` None lets an
    answer run to the end of the context. `top_logprobs` None asks for no log-probabilities.
    `thinking_budget` is how many tokens the model may think, None for no limit.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    choice: Choice = Choice()
    answer: Object | None = None
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    top_logprobs: int | None = None
    thinking_budget: int | None = None
    template_variables: Object = field(default_factory=dict)

    @property
    def callable_tools(self) -> list[Tool]:
        """The tools that `choice` lets the model call; the prompt shows all of them."""
        return [tool for tool in self.tools if tool.name in self.choice.names]
