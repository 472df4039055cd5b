"""The generators that parsers are built from: what they yield, return and raise.

A move consumes some text. It yields None when it needs more text, and decides as soon as the text
allows; text that it has consumed is not looked at again, so the work per character is constant.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from gateway.chat.events import Event, Reasoning, Text

T = TypeVar("T")
Move: TypeAlias = Generator[None, None, T]  # returns what was found
Pieces: TypeAlias = Generator[str | None, None, None]  # yields text, too
Steps: TypeAlias = Generator[Event | None, None, T]  # yields events, too
TextKind: TypeAlias = type[Text] | type[Reasoning]  # what text becomes


class Malformed(ValueError):
    """The text is not what the format declares."""


class UnknownTool(Malformed):
    """The text is a call of a tool that is not on offer."""


class Truncated(ValueError):
    """The text was cut off where the format goes on."""


def joined(pieces: Pieces) -> Move[str]:
    """All of `pieces`, as one text."""
    text: list[str] = []
    for piece in pieces:
        if piece is None:
            yield None
        else:
            text.append(piece)
    return "".join(text)


def available(pieces: Pieces) -> tuple[str, bool]:
    """The `pieces` that need no more text, and whether they are all."""
    text: list[str] = []
    for piece in pieces:
        if piece is None:
            return "".join(text), False
        text.append(piece)
    return "".join(text), True


def collected(steps: Steps[T], events: list[Event]) -> Move[T]:
    """Takes `steps`, and adds what they yield to `events`."""
    while True:
        try:
            event = next(steps)
        except StopIteration as stop:
            value: T = stop.value
            return value
        if event is None:
            yield None
        else:
            events.append(event)
