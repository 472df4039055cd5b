"""Declares how a model family writes a turn: `Format` and the ways to write arguments.

A `Format` holds the family's own text with placeholders in it: `$name`, `$arguments`, `$id` and
`$index` in a call, `$key`, `$value` and `$type` in an argument. Three parts of the gateway use it:
`encode` writes a turn, `Decoder` parses one, and `grammar` constrains what a model generates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias


class Placeholder(StrEnum):
    """A part of a call that varies."""

    NAME = "$name"
    ARGUMENTS = "$arguments"
    ID = "$id"
    INDEX = "$index"
    KEY = "$key"
    VALUE = "$value"
    TYPE = "$type"


Part: TypeAlias = str | Placeholder


@dataclass(frozen=True, slots=True)
class AsJson:
    """All arguments as one JSON object, with the family's own spacing.

    `indent` is the number of spaces per level; the object itself is at level `depth`.
    """

    item_separator: str = ", "
    key_separator: str = ": "
    indent: int | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Tagged:
    """Each argument between tags of its own; a string is written raw, other values as JSON.

    `argument` is the text of one argument, `separator` the text between two. `types` maps the
    name of a JSON type to the text of `$type`. `key_escapes` are the characters that are escaped
    in a key, each with its escape. A string that contains one of the characters `wrap_if_any` is
    written between the two markers of `wrap`.
    """

    argument: str
    separator: str = ""
    types: Mapping[str, str] = field(default_factory=dict, hash=False)
    key_escapes: tuple[tuple[str, str], ...] = ()
    wrap: tuple[str, str] | None = None
    wrap_if_any: str = ""

    def needs_wrap(self, value: str) -> bool:
        return any(character in value for character in self.wrap_if_any)

    def escaped(self, key: str) -> str:
        for character, escape in self.key_escapes:
            key = key.replace(character, escape)
        return key

    def unescaped(self, key: str) -> str:
        for character, escape in reversed(self.key_escapes):
            key = key.replace(escape, character)
        return key

    @property
    def parts(self) -> tuple[Part, ...]:
        return parts(self.argument)


@dataclass(frozen=True, slots=True)
class Literals:
    """Arguments as literals in a notation that is like JSON but not JSON, such as Python's.

    `argument` is the text of one argument, `pair` the text of one key and value of a nested
    object, `separator` the text between two items. `quotes` enclose a string, which is raw
    unless it `has_escapes` (backslashes, as in Python). `constants` are true, false and null. If
    the format `sorts_keys`, keys are in alphabetical order, ignoring case.
    """

    argument: str
    pair: str
    separator: str
    quotes: tuple[str, str]
    has_escapes: bool = False
    constants: tuple[str, str, str] = ("true", "false", "null")
    has_quoted_keys: bool = False
    sorts_keys: bool = False


@dataclass(frozen=True, slots=True)
class Elements:
    """Arguments as nested elements, as in XML; `element` contains `$key` and `$value`.

    An object is written as one element per key, an array as one element named `item` per item.
    A string is written raw, a number or a boolean as JSON. Nulls are omitted.
    """

    element: str
    item: str = "item"


Arguments: TypeAlias = AsJson | Tagged | Literals | Elements


@dataclass(frozen=True, slots=True)
class Header:
    """What opens a message in a family whose messages have channels and recipients.

    `channel` and `recipient` precede these, in any order, and `end` ends the header. `channels`
    are the names of the channels. In a recipient, `namespace` precedes the name of a tool.
    `own_tools` are the vendor's own tools, by what precedes the dot in their names.
    """

    channel: str
    recipient: str
    end: str
    channels: tuple[str, ...]
    namespace: str
    own_tools: tuple[str, ...]

    @property
    def triggers(self) -> tuple[str, ...]:
        """What opens a message to a tool."""
        on_channels = (f"{self.channel}{name} {self.recipient}" for name in self.channels)
        return (*on_channels, self.recipient + self.namespace)


@dataclass(frozen=True, slots=True)
class Format:
    """How a model family writes a turn: reasoning, then text, then tool calls.

    name                  the family's name, as in models.yaml
    call                  the text of one call, with placeholders
    arguments             how `$arguments` is written
    calls                 the text before the first call, between two, and after the last
    before_calls          what separates the calls from the text before them
    think                 the markers around reasoning; None if the family has none
    empty_think           what a turn without reasoning contains in place of it
    content               the markers around the text of an answer
    content_before_calls  the same for text that calls follow; None if it does not differ
    empty_content         what precedes the calls in a turn without text
    section_separator     what separates reasoning, text and calls from each other
    turn_end              what ends the turn, apart from the end-of-turn token
    trigger               the shortest text that means that a call begins; by default the first
                          tag or word of the call
    calls_exclude_text    a turn is either text or calls; its first characters show which
    calls_are_sections    a call begins only where reasoning or text could begin too, so not
                          within them
    reserves_start        an answer without tools does not begin as the trigger does: a model
                          that may not finish the trigger would write something like a call
    single_call           a turn has at most one call
    first_index           the `$index` of a turn's first call
    id_length             the number of letters and digits in a call's id, if it is fixed
    header                what opens a message, if it names a channel and a recipient
    variants              what models of the family also write; parsed, but never written
    """

    name: str
    call: str
    arguments: Arguments = AsJson()
    calls: tuple[str, str, str] = ("", "", "")
    before_calls: str = ""
    think: tuple[str, str] | None = None
    empty_think: str = ""
    content: tuple[str, str] = ("", "")
    content_before_calls: tuple[str, str] | None = None
    empty_content: str = ""
    section_separator: str = ""
    turn_end: str = ""
    trigger: str = ""
    calls_exclude_text: bool = False
    calls_are_sections: bool = False
    reserves_start: bool = False
    single_call: bool = False
    first_index: int = 0
    id_length: int | None = None
    header: Header | None = None
    variants: tuple[Format, ...] = ()

    def __post_init__(self) -> None:
        start = self.first_call.lstrip()
        first_word = _TAG_OR_WORD.match(start).group()  # type: ignore[union-attr]
        object.__setattr__(self, "trigger", self.trigger or first_word)
        if not self.trigger or not start.startswith(self.trigger):
            raise ValueError(f"trigger {self.trigger!r} does not begin {start!r}")

    @property
    def first_call(self) -> str:
        """The text of the first call, with the text that precedes all calls."""
        return self.calls[0] + self.call

    @property
    def parts(self) -> tuple[Part, ...]:
        """The text of a call, split at its placeholders."""
        return parts(self.call)

    @property
    def calls_are_markdown(self) -> bool:
        """Whether a call is JSON in a Markdown fence, as text may contain too."""
        return self.trigger.startswith("```")

    def content_markers(self, *, before_calls: bool) -> tuple[str, str]:
        """The markers around the text of a turn, with or without calls after it."""
        return (self.content_before_calls or self.content) if before_calls else self.content

    @property
    def markers(self) -> tuple[str, ...]:
        """All fixed text that the family writes."""
        fixed = [*self.calls, *(self.think or ()), *self.content]
        fixed += [*(self.content_before_calls or ()), self.turn_end, *_fixed(self.call)]
        match self.arguments:
            case Tagged(argument=text) | Elements(element=text):
                fixed += _fixed(text)
            case Literals(argument=text, quotes=quotes):
                fixed += [*quotes, *_fixed(text)]
        return tuple(dict.fromkeys(marker for marker in fixed if marker))


@lru_cache
def parts(template: str) -> tuple[Part, ...]:
    """Splits a declared text at its placeholders.

    >>> parts("<f=$name>$arguments</f>")
    ('<f=', <Placeholder.NAME: '$name'>, '>', <Placeholder.ARGUMENTS: '$arguments'>, '</f>')
    """
    pieces = re.split("(" + "|".join(map(re.escape, Placeholder)) + ")", template)
    names = set(Placeholder)
    return tuple(Placeholder(piece) if piece in names else piece for piece in pieces if piece)


def literal(parts: Sequence[Part]) -> str:
    """The first of `parts` if it is fixed text, else ""."""
    return parts[0] if parts and not isinstance(parts[0], Placeholder) else ""


def _fixed(template: str) -> list[str]:
    return [part for part in parts(template) if not isinstance(part, Placeholder)]


_TAG_OR_WORD = re.compile(r"<[^<>\s$]*>|[^\s$]*")
