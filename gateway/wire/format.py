"""The vocabulary in which a model family's turn is declared.

A `Format` holds the family's own text with holes in it: `$name`, `$arguments`, `$id` and
`$index` in a call, `$key` and `$value` in a tagged argument. Three readings work from it alone:
`encode` writes a turn, `Decoder` reads one back, `grammar` lets a model write nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias


class Hole(StrEnum):
    """What varies from call to call."""

    NAME = "$name"
    ARGUMENTS = "$arguments"
    ID = "$id"
    INDEX = "$index"
    KEY = "$key"
    VALUE = "$value"


Part: TypeAlias = str | Hole


@dataclass(frozen=True, slots=True)
class AsJson:
    """All arguments as one JSON object, spaced as the family spaces it."""

    item_separator: str = ", "
    key_separator: str = ": "


@dataclass(frozen=True, slots=True)
class Tagged:
    """Arguments one by one; a string stands bare, everything else is JSON."""

    argument: str

    @property
    def parts(self) -> tuple[Part, ...]:
        return parts(self.argument)


@dataclass(frozen=True, slots=True)
class Format:
    """How a model family writes a turn.

    `calls` is what stands before, between and after the calls of a turn, `before` what parts
    them from prose. `think` is what opens and closes the reasoning. `trigger` is the shortest
    text that means a call has begun (the first word of a call, if not given). Where `prose` is
    false, a turn is either calls or text, and its first characters tell which. `id_length` is
    the number of letters and digits that the family's ids have.
    """

    name: str
    call: str
    arguments: AsJson | Tagged = AsJson()
    calls: tuple[str, str, str] = ("", "", "")
    before: str = ""
    think: tuple[str, str] | None = None
    trigger: str = ""
    prose: bool = True
    id_length: int | None = None

    def __post_init__(self) -> None:
        opened = self.calls[0] + self.call
        first_word = re.split(r"\s|\$", opened, maxsplit=1)[0]
        object.__setattr__(self, "trigger", self.trigger or first_word)
        if not self.trigger or not opened.startswith(self.trigger):
            raise ValueError(f"trigger {self.trigger!r} does not begin {opened!r}")

    @property
    def parts(self) -> tuple[Part, ...]:
        """The call's text, cut at its holes."""
        return parts(self.call)

    @property
    def opening(self) -> tuple[Part, ...]:
        """The text of the first call after its trigger, cut at its holes."""
        return parts((self.calls[0] + self.call).removeprefix(self.trigger))

    @property
    def marks(self) -> tuple[str, ...]:
        """Every fixed text that the family writes around what varies."""
        fixed = [*self.calls, *(self.think or ())]
        fixed += [part for part in self.parts if not isinstance(part, Hole)]
        if isinstance(self.arguments, Tagged):
            fixed += [part for part in self.arguments.parts if not isinstance(part, Hole)]
        return tuple(mark for mark in fixed if mark)


@lru_cache
def parts(template: str) -> tuple[Part, ...]:
    """Cut a declared text at its holes.

    >>> parts("<f=$name>$arguments</f>")
    ('<f=', <Hole.NAME: '$name'>, '>', <Hole.ARGUMENTS: '$arguments'>, '</f>')
    """
    pieces = re.split("(" + "|".join(map(re.escape, Hole)) + ")", template)
    return tuple(Hole(piece) if piece in set(Hole) else piece for piece in pieces if piece)
