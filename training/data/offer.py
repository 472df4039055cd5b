"""A tool as a client offers it: in the client's naming style, with some parts omitted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from gateway.chat.json import Json, Object
from training.data.request import Given
from training.data.schema import schema_of
from training.data.tool import Ask, Exchange, Parameter, Path, Tool

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words(name: str) -> list[str]:
    """The words of a name, in lower case."""
    return [word.lower() for word in WORD.findall(name)]


def snake(name: str) -> str:
    return "_".join(words(name))


def camel(name: str) -> str:
    first, *rest = words(name)
    return first + "".join(word.capitalize() for word in rest)


def pascal(name: str) -> str:
    return "".join(word.capitalize() for word in words(name))


def kebab(name: str) -> str:
    return "-".join(words(name))


def same(name: str) -> str:
    return name


@dataclass(frozen=True, slots=True)
class Style:
    """The naming style of a client; `form` may contain {domain} and {name}."""

    name: Callable[[str], str] = same
    parameter: Callable[[str], str] = same
    form: str = "{name}"

    def name_of(self, tool: Tool) -> str:
        """The name of the tool, with the domain at most once."""
        name, domain = words(tool.name), words(tool.domain)
        rest = name[len(domain) :]
        is_named_for_it = "{domain}" in self.form and name[: len(domain)] == domain and rest
        return self.form.format(
            domain=self.name(tool.domain),
            name=self.name("_".join(rest) if is_named_for_it else tool.name),
        )


STYLES = (
    (Style(), 48),
    (Style(snake, snake), 8),
    (Style(camel, camel), 16),
    (Style(pascal, camel), 5),
    (Style(pascal, pascal), 3),
    (Style(kebab, snake), 4),
    (Style(form="{domain}.{name}"), 6),
    (Style(snake, snake, "{domain}_{name}"), 5),
    (Style(camel, camel, "{domain}.{name}"), 3),
    (Style(snake, snake, "{domain}__{name}"), 2),
)


@dataclass(frozen=True, slots=True)
class Group:
    """An object parameter that contains the first `size` parameters of a tool."""

    name: str
    size: int

    def of(self, parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        inner, others = parameters[: self.size], parameters[self.size :]
        is_optional = all(one.optional for one in inner)
        return (Parameter(self.name, "object", optional=is_optional, properties=inner), *others)


GROUPS = ("details", "request", "data", "info", "entry", "options", "spec", "params")


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as offered; `tool` has the names of the catalogue."""

    tool: Tool
    style: Style
    group: Group | None = None

    @property
    def name(self) -> str:
        return self.style.name_of(self.tool)

    @property
    def asks(self) -> tuple[Ask, ...]:
        return self._fit(self.tool.asks)

    @property
    def two(self) -> tuple[Ask, ...]:
        return self._fit(self.tool.two)

    @property
    def lacking(self) -> tuple[Exchange, ...]:
        known = set(self.tool.leaves)
        return tuple(one for one in self.tool.lacking if one.wording.paths <= known)

    def schema(self) -> Object:
        """The tool definition in the format of the OpenAI API."""
        parameters = self.group.of(self.tool.parameters) if self.group else self.tool.parameters
        parameters = tuple(_renamed(one, self.style.parameter) for one in parameters)
        function: Object = {"name": self.name, "parameters": schema_of(parameters)}
        if self.tool.description:
            function = {"name": self.name, "description": self.tool.description, **function}
        return {"type": "function", "function": function}

    def arguments(self, given: Given) -> Object:
        """The arguments of a call, in the order of the schema."""
        if not self.group:
            return self._values(self.tool.parameters, given, ())
        size, name = self.group.size, self.style.parameter(self.group.name)
        inner = self._values(self.tool.parameters[:size], given, ())
        others = self._values(self.tool.parameters[size:], given, ())
        return ({name: inner} if inner else {}) | others

    def _values(self, parameters: Sequence[Parameter], given: Given, above: Path) -> Object:
        values: Object = {}
        for one in parameters:
            path, name = (*above, one.name), self.style.parameter(one.name)
            if path in given:
                values[name] = self._restyled(given[path].value)
            elif inner := self._values(one.properties, given, path):
                values[name] = inner
        return values

    def _restyled(self, value: Json) -> Json:
        """`value` with object keys in the client's naming style."""
        if isinstance(value, list):
            return [*map(self._restyled, value)]
        if isinstance(value, dict):
            return {self.style.parameter(key): inner for key, inner in value.items()}
        return value

    def _fit(self, asks: Sequence[Ask]) -> tuple[Ask, ...]:
        known = set(self.tool.leaves)
        return tuple(ask for ask in asks if ask.paths <= known)


def varied(tool: Tool, random: Random, bare: bool, shuffled: bool) -> Tool:
    """A random variant of `tool` that keeps all required parameters."""
    kept = [one for one in tool.parameters if not one.optional or random.random() > 0.15]
    if shuffled:
        random.shuffle(kept)
    parameters = [replace(one, description="") if bare else one for one in kept]
    description = "" if random.random() < 0.03 else tool.description
    return replace(tool, parameters=tuple(parameters), description=description)


def grouped(tool: Tool, share: float, random: Random) -> Group | None:
    """A group of two or three parameters, for a `share` of the tools that have enough."""
    if not share or random.random() >= share:
        return None
    free = [name for name in GROUPS if name not in {one.name for one in tool.parameters}]
    size = random.choice((2, 2, 3))
    return Group(random.choice(free), size) if len(tool.parameters) >= size else None


def _renamed(parameter: Parameter, style: Callable[[str], str]) -> Parameter:
    inner = tuple(_renamed(one, style) for one in parameter.properties)
    items = _renamed(parameter.items, style) if parameter.items else None
    return replace(parameter, name=style(parameter.name), items=items, properties=inner)
