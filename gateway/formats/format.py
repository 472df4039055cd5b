"""The vocabulary in which a model family's turn is declared.

A `Format` holds the family's own text with holes in it: `$name`, `$arguments`, `$id` and
`$index` in a call, `$key`, `$value` and `$type` in an argument. Three readings work from it
alone: `encode` writes a turn, `Decoder` reads one back, `grammar` lets a model write nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias


class Hole(StrEnum):
    """What varies from call to call; `SKIPPED` is read over and never written."""

    NAME = "$name"
    ARGUMENTS = "$arguments"
    ID = "$id"
    INDEX = "$index"
    KEY = "$key"
    VALUE = "$value"
    TYPE = "$type"
    SKIPPED = "$skipped"


Part: TypeAlias = str | Hole


@dataclass(frozen=True, slots=True)
class AsJson:
    """All arguments as one JSON object, spaced as the family spaces it.

    With `indent`, lines are indented by so many spaces a level, the first level at `depth`.
    """

    item_separator: str = ", "
    key_separator: str = ": "
    indent: int | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Tagged:
    """Arguments one by one; a string stands bare, everything else is JSON.

    `types` is what `$type` says of a value, by the name of its JSON type. `key_escapes` are the
    characters that a key spells otherwise. A string in which there is any of `wrapped` stands
    between the two marks of `wrap`.
    """

    argument: str
    between: str = ""
    types: Mapping[str, str] = field(default_factory=dict, hash=False)
    key_escapes: tuple[tuple[str, str], ...] = ()
    wrap: tuple[str, str] | None = None
    wrapped: str = ""

    def wraps(self, value: str) -> bool:
        return any(character in value for character in self.wrapped)

    def escaped(self, key: str) -> str:
        for character, spelled in self.key_escapes:
            key = key.replace(character, spelled)
        return key

    def unescaped(self, key: str) -> str:
        for character, spelled in reversed(self.key_escapes):
            key = key.replace(spelled, character)
        return key

    @property
    def parts(self) -> tuple[Part, ...]:
        return parts(self.argument)


@dataclass(frozen=True, slots=True)
class Literals:
    """Arguments as literals of the family's own, where JSON would have other marks.

    `argument` is how one is written, `pair` how an object within one writes each of its own.
    `quotes` stand around a string: raw, unless a backslash `escapes` as in Python. `constants`
    are true, false and null. With `by_key`, keys are in the order of the alphabet, whatever
    their case.
    """

    argument: str
    pair: str
    between: str
    quotes: tuple[str, str]
    escapes: bool = False
    constants: tuple[str, str, str] = ("true", "false", "null")
    quoted_keys: bool = False
    by_key: bool = False


@dataclass(frozen=True, slots=True)
class Nested:
    """Arguments as elements, all the way down: `element` has `$key` and `$value` in it.

    An object is the elements of its keys, an array an element `item` for each of its own.
    A string stands bare, a number or a boolean is JSON. Nulls are left out.
    """

    element: str
    item: str = "item"


Arguments: TypeAlias = AsJson | Tagged | Literals | Nested


@dataclass(frozen=True, slots=True)
class Format:
    """How a model family writes a turn.

    `calls` is what stands before, between and after the calls of a turn, `before` what parts
    them from prose. `think` is what opens and closes the reasoning, `unthought` what stands in
    its place where there is none. `speech` is what opens and closes the text of an answer,
    `preamble` the same for text that calls follow, if that differs, and `unsaid` what stands
    where calls follow no text. `joint` parts one such section from the next, `end` closes the
    turn.

    `trigger` is the shortest text that means a call has begun (a call's first tag or word, if
    not given). Where `prose` is false, a turn is either calls or text, and its first characters
    tell which. Where calls stand `apart`, none opens amid text or thoughts, but only after the mark
    that closes them. A `single` call is all that a turn has room for. `$index` counts calls from
    `first_index`. `id_length` is the number of letters and digits that the family's ids have.

    `asides` are what opens something that is said to others than the user, and its body. `also`
    is what models of the family are known to write instead: read, but never written.
    """

    name: str
    call: str
    arguments: Arguments = AsJson()
    calls: tuple[str, str, str] = ("", "", "")
    before: str = ""
    think: tuple[str, str] | None = None
    unthought: str = ""
    speech: tuple[str, str] = ("", "")
    preamble: tuple[str, str] | None = None
    unsaid: str = ""
    joint: str = ""
    end: str = ""
    trigger: str = ""
    prose: bool = True
    apart: bool = False
    single: bool = False
    first_index: int = 0
    id_length: int | None = None
    asides: tuple[tuple[str, str], ...] = ()
    also: tuple[Format, ...] = ()

    def __post_init__(self) -> None:
        opened = self.opened.lstrip()
        first_word = _TAG_OR_WORD.match(opened).group()  # type: ignore[union-attr]
        object.__setattr__(self, "trigger", self.trigger or first_word)
        if not self.trigger or not opened.startswith(self.trigger):
            raise ValueError(f"trigger {self.trigger!r} does not begin {opened!r}")

    @property
    def opened(self) -> str:
        """The text of the first call, with what stands before it."""
        return self.calls[0] + self.call

    @property
    def parts(self) -> tuple[Part, ...]:
        """The call's text, cut at its holes."""
        return parts(self.call)

    @property
    def opening(self) -> tuple[Part, ...]:
        """The text of the first call after its trigger, cut at its holes."""
        return parts(self.opened.lstrip().removeprefix(self.trigger))

    def speech_of(self, *, calls: bool) -> tuple[str, str]:
        """What stands around the text of a turn, with or without `calls` to follow."""
        return (self.preamble or self.speech) if calls else self.speech

    @property
    def marks(self) -> tuple[str, ...]:
        """Every fixed text that the family writes around what varies."""
        fixed = [*self.calls, *(self.think or ()), *self.speech, *(self.preamble or ()), self.end]
        fixed += [part for part in self.parts if not isinstance(part, Hole)]
        match self.arguments:
            case Tagged(argument=text) | Nested(element=text):
                fixed += [part for part in parts(text) if not isinstance(part, Hole)]
            case Literals(argument=text, quotes=quotes):
                fixed += [*quotes, *(part for part in parts(text) if not isinstance(part, Hole))]
        return tuple(dict.fromkeys(mark for mark in fixed if mark))


@lru_cache
def parts(template: str) -> tuple[Part, ...]:
    """Cut a declared text at its holes.

    >>> parts("<f=$name>$arguments</f>")
    ('<f=', <Hole.NAME: '$name'>, '>', <Hole.ARGUMENTS: '$arguments'>, '</f>')
    """
    pieces = re.split("(" + "|".join(map(re.escape, Hole)) + ")", template)
    return tuple(Hole(piece) if piece in set(Hole) else piece for piece in pieces if piece)


def literal(parts: Sequence[Part]) -> str:
    """The text of the one part, if it is text."""
    return parts[0] if parts and not isinstance(parts[0], Hole) else ""


_TAG_OR_WORD = re.compile(r"<[^<>\s$]*>|[^\s$]*")
