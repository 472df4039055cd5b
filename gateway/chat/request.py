"""A chat request, independent of the API that it came through."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.chat.json import Object
from gateway.chat.messages import Message, Tool


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters, with llama.cpp's names and ranges.

    `temperature` 0 is greedy. The penalties count the tokens that this answer has generated so
    far. `seed` None means a random seed.
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
class ToolChoice:
    """The names of the tools that may be called, if one must be, and if several may be."""

    names: tuple[str, ...] = ()
    required: bool = False
    parallel: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """A validated chat request for `n` answers.

    The text of an answer must match the JSON Schema `response_schema`, if there is one. With
    `max_tokens` None an answer may run to the end of the context. `top_logprobs` None means no
    log-probabilities. `thinking_budget` is in tokens; None means no limit.
    `tool_call_probability` asks how probable the answer's calls are. If none is required,
    `tool_call_threshold` is the least probability at which one is made; None means the model's.
    `reproducible` asks for an answer that does not depend on what else runs or ran.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    response_schema: Object | None = None
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    top_logprobs: int | None = None
    thinking_budget: int | None = None
    tool_call_probability: bool = False
    tool_call_threshold: float | None = None
    reproducible: bool = False
    template_variables: Object = field(default_factory=dict)

    @property
    def callable_tools(self) -> list[Tool]:
        """The tools that `tool_choice` lets the model call; the prompt shows all of them."""
        names = frozenset(self.tool_choice.names)
        return [tool for tool in self.tools if tool.name in names]

    @property
    def custom_tools(self) -> frozenset[str]:
        """The names of the tools that take text instead of arguments."""
        return frozenset(tool.name for tool in self.tools if tool.is_custom)
