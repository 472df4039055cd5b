"""The messages of a conversation, and the tools on offer in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gateway.chat.json import Object, json_text


@dataclass(frozen=True, slots=True)
class TextGrammar:
    """What a text must match: a grammar in Lark, or a regular expression for all of the text."""

    syntax: Literal["lark", "regex"]
    definition: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `parameters` is its JSON Schema.

    `json` is the JSON text of `parameters`, made once and the key of all caches of that schema.
    A custom tool has one argument, a string, which must match `input_grammar` if there is one.
    """

    name: str
    description: str
    parameters: Object
    json: str = field(default="", compare=False, repr=False)
    is_custom: bool = False
    input_grammar: TextGrammar | None = None

    def __post_init__(self) -> None:
        if not self.json:
            object.__setattr__(self, "json", json_text(self.parameters))


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `id` pairs it with its result and may be empty."""

    name: str
    arguments: Object
    id: str = ""


@dataclass(frozen=True, slots=True)
class Speech:
    """A system or user message."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """An assistant message: reasoning, then text, then tool calls."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """A tool's result; `call_id` and `name` pair it with its call, and either may be empty."""

    text: str
    call_id: str = ""
    name: str = ""


Message: TypeAlias = Speech | Turn | Result

# A prompt as engines take it: plain text, and special tokens by id. Text is never searched for
# special tokens.
PromptParts: TypeAlias = Sequence[str | int]
