"""The messages of a conversation, and the tools on offer in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gateway.chat.json import Object


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `parameters` is its JSON Schema."""

    name: str
    description: str
    parameters: Object


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
