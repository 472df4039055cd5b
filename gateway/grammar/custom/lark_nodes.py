"""The grammars of custom tools, as trees.

Source: https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A fixed text."""

    text: str
    ignores_case: bool = False


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression in the syntax of Rust's `regex`, with flags such as `i`."""

    pattern: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """A reference to a rule, or to a terminal if it is in capitals."""

    name: str

    @property
    def is_terminal(self) -> bool:
        return self.name.lstrip("_")[:1].isupper()


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    ways: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """`part`, from `least` to `most` times; None means any number."""

    part: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Both:
    """What all `parts` match; within terminals only."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What `part` does not match; within terminals only."""

    part: Node


START = Name("start")

Node: TypeAlias = Literal | Regex | Name | Sequence | Choice | Repeated | Both | Not


@dataclass(slots=True)
class Definitions:
    """The rules and terminals by name, those that are `lazy`, and what `%ignore` skips."""

    bodies: dict[str, Node] = field(default_factory=dict)
    lazy: set[str] = field(default_factory=set)
    ignored: list[Node] = field(default_factory=list)


class LarkSyntaxError(ValueError):
    """A grammar that can't be parsed, or uses what a tool's grammar can't have."""


def names(node: Node) -> Iterator[str]:
    """The names that `node` refers to."""
    match node:
        case Name(name):
            yield name
        case Sequence(parts) | Choice(parts) | Both(parts):
            for part in parts:
                yield from names(part)
        case Repeated(part) | Not(part):
            yield from names(part)


def in_regex(text: str) -> str:
    """A regex for `text` alone."""
    return "".join(c if c.isalnum() else f"\\x{{{ord(c):X}}}" for c in text)
