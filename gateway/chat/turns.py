"""What is said: tools, calls, turns, and the events a turn streams as."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Object: TypeAlias = "dict[str, Json]"


@dataclass(frozen=True, slots=True)
class Tool:
    """A function on offer; `parameters` is its JSON Schema."""

    name: str
    description: str
    parameters: Object


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: Object
    id: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the assistant: it thinks, speaks, then calls."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    text: str


@dataclass(frozen=True, slots=True)
class CallStart:
    """`id` is what its client knows the call by."""

    name: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class CallArguments:
    """The next piece of the arguments' JSON text."""

    json: str


@dataclass(frozen=True, slots=True)
class CallEnd:
    """`id` is what the model called the call, where it does."""

    id: str = ""


Event: TypeAlias = Text | Reasoning | CallStart | CallArguments | CallEnd


def call_id() -> str:
    """A new id for a call."""
    return f"call_{secrets.token_hex(12)}"


def parse_json(text: str) -> Json:
    """Read JSON as RFC 8259 has it: Python's `NaN` and `Infinity` raise ValueError too."""
    value: Json = json.loads(text, parse_constant=_refuse)
    return value


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")


def collect(events: Iterable[Event]) -> Turn:
    """Fold a stream of events into the turn it was; a call without an end is left out."""
    text, reasoning, name, arguments, id = "", "", "", "", ""
    calls: list[Call] = []
    for event in events:
        match event:
            case Text(piece):
                text += piece
            case Reasoning(piece):
                reasoning += piece
            case CallStart(name, id):
                arguments = ""
            case CallArguments(piece):
                arguments += piece
            case CallEnd():
                calls.append(Call(name, json.loads(arguments), id))
    return Turn(text, reasoning, tuple(calls))
