"""A tool of the catalogue, with its requests and results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.chat.json import Json, Object
from training.data.coining import WORD
from training.data.language import language
from training.data.phrase import Phrase
from training.data.values import Choice, Listed, Span, Values

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; an array has `items` and a `size`, an object has `properties`.

    An object in an array is worded as a whole, in one of its `ways`.
    """

    name: str
    type: str
    description: str = ""
    optional: bool = False
    enum: tuple[Json, ...] = ()
    values: Values | None = None
    items: Parameter | None = None
    size: Span | None = None
    properties: tuple[Parameter, ...] = ()
    ways: tuple[Phrase, ...] = ()

    def leaves(self, above: Path = ()) -> Iterator[tuple[Path, Parameter]]:
        """Yields the paths that a slot may name: this parameter, or its properties."""
        path = (*above, self.name)
        if not self.properties:
            yield path, self
        for inner in self.properties:
            yield from inner.leaves(path)

    def parts(self) -> Iterator[Parameter]:
        """Yields the parameters that have values: this one, or its items or properties."""
        inner = (self.items,) if self.items else self.properties
        for one in inner:
            yield from one.parts()
        if not inner:
            yield self


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, and the arguments that it implies without a slot."""

    phrase: Phrase
    implied: Object

    @property
    def paths(self) -> frozenset[Path]:
        """The paths of all arguments of the request."""
        return self.phrase.paths | self.implied_paths

    @property
    def implied_paths(self) -> frozenset[Path]:
        return frozenset(_paths(self.implied))

    def implies(self, path: Path) -> Json:
        """The value of the implied argument at `path`."""
        value: Json = self.implied
        for step in path:
            assert isinstance(value, dict)
            value = value[step]
        return value


@dataclass(frozen=True, slots=True)
class Exchange:
    """A user message and the answer."""

    wording: Phrase
    answer: Phrase


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result of a tool, and the answers that report it."""

    result: Object
    answers: tuple[Phrase, ...]
    is_written: bool  # for just this result, and so without choices


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the catalogue."""

    name: str
    domain: str
    description: str
    parameters: tuple[Parameter, ...]
    asks: tuple[Ask, ...]
    two: tuple[Ask, ...]
    lacking: tuple[Exchange, ...]
    outcomes: tuple[Outcome, ...]
    failures: tuple[Outcome, ...]

    @property
    def language(self) -> str:
        return language(self.domain)

    @property
    def leaves(self) -> dict[Path, Parameter]:
        return {path: leaf for one in self.parameters for path, leaf in one.leaves()}

    @property
    def required(self) -> frozenset[Path]:
        """The paths that every call has; none of an optional object."""
        return frozenset(_required(self.parameters))

    @property
    def choices(self) -> Iterator[Choice]:
        """Yields every listed value of all parameters."""
        for part in (part for one in self.parameters for part in one.parts()):
            if isinstance(part.values, Listed):
                yield from (choice for ways in part.values.ways for choice in ways)


def coining(tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    """`tools` with values that vary, using the words of all tools."""
    wordings = (choice.wording for tool in tools for choice in tool.choices)
    words = tuple(sorted({word for text in wordings for word in WORD.findall(text)}))
    return tuple(
        replace(tool, parameters=tuple(_coining(one, words) for one in tool.parameters))
        for tool in tools
    )


def _coining(one: Parameter, words: tuple[str, ...]) -> Parameter:
    return replace(
        one,
        values=replace(one.values, words=words) if isinstance(one.values, Listed) else one.values,
        items=_coining(one.items, words) if one.items else None,
        properties=tuple(_coining(inner, words) for inner in one.properties),
    )


def _required(parameters: tuple[Parameter, ...], above: Path = ()) -> Iterator[Path]:
    for one in parameters:
        if not one.optional and one.properties:
            yield from _required(one.properties, (*above, one.name))
        elif not one.optional:
            yield (*above, one.name)


def _paths(implied: Object, above: Path = ()) -> Iterator[Path]:
    for name, value in implied.items():
        if isinstance(value, dict):
            yield from _paths(value, (*above, name))
        else:
            yield (*above, name)
