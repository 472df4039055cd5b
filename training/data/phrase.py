"""Sentences with slots: "Wake me up at {time}"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SLOT = re.compile(r"\{([^{}]*)\}")
PATH = re.compile(r"\w+(\.\w+)*")


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot for a value: the path of a parameter, and the number of the call if there are two."""

    path: tuple[str, ...]
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Phrase:
    """The parts of a sentence, in order."""

    parts: tuple[str | Slot, ...]

    def __str__(self) -> str:
        return "".join(p if isinstance(p, str) else f"{{{name(p.path)}}}" for p in self.parts)

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(part for part in self.parts if isinstance(part, Slot))

    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        return frozenset(slot.path for slot in self.slots)

    @property
    def text(self) -> str:
        return "".join(part for part in self.parts if isinstance(part, str))


def phrase(text: str, *, numbered: bool = False) -> Phrase:
    """Parses `text`; if `numbered`, {time.1} and {time.2} belong to the first and second call."""
    return Phrase(tuple(_parts(text, numbered)))


def name(path: tuple[str, ...]) -> str:
    return ".".join(path)


def names(paths: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(sorted(map(name, paths))) or "none"


def brace_faults(phrase: Phrase) -> Iterator[str]:
    if "{" in phrase.text or "}" in phrase.text:
        yield "a brace outside a slot"
    for path in phrase.paths:
        if not PATH.fullmatch(name(path)):
            yield f"{{{name(path)}}} is not a valid slot"


def _parts(text: str, numbered: bool) -> Iterator[str | Slot]:
    for i, part in enumerate(SLOT.split(text)):
        if i % 2:
            yield _slot(part, numbered)
        elif part:
            yield part


def _slot(text: str, numbered: bool) -> Slot:
    *path, last = text.split(".")
    if numbered and path and last in ("1", "2"):
        return Slot(tuple(path), int(last))
    return Slot((*path, last))
