"""The shapes of the values of a JSON Schema, for notations that are not JSON.

A shape is a schema without choices and references. Keywords such as `not`, `if`,
`patternProperties` and `uniqueItems` are left out of it, so a shape may admit more values than its
schema, never less. An object that lists its properties takes no others, unless it says that it
does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeAlias

from gateway.chat.json import Json, Object
from gateway.schema.access import as_list, as_number, as_object
from gateway.schema.merge import merged, own_keywords
from gateway.schema.refs import find
from gateway.schema.types import types_of
from gateway.schema.validate import validator
from gateway.schema.validation_limits import UncheckedSchema

MAX_VISITS = 20_000  # of subschemas; definitions that each refer twice to the next multiply
MAX_VALIDATED = 1000  # values of an `enum` that are validated against the other keywords
MAX_BRANCHES = 64  # that the choices of a schema may multiply to


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `schema` has its pattern, format and length, and no other keyword."""

    schema: Object


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or any number, within the bounds of `schema`."""

    schema: Object


@dataclass(frozen=True, slots=True)
class Constant:
    value: Json


@dataclass(frozen=True, slots=True)
class Array:
    """An array; `prefix` are the schemas of its first items, `items` that of the others."""

    items: Json
    least: int
    most: int | None
    prefix: tuple[Json, ...] = ()

    def at(self, index: int) -> Json:
        """The schema of one item."""
        return self.prefix[index] if index < len(self.prefix) else self.items


@dataclass(frozen=True, slots=True)
class Mapping:
    """An object; `others` is the schema of unlisted properties, False if there are none.

    It has at least `least` properties.
    """

    properties: Object
    required: frozenset[str]
    others: Json
    least: int = 0


Shape: TypeAlias = Text | Number | Constant | Array | Mapping


class Shapes:
    """Finds the shapes of any subschema of `root`, which its references lead into."""

    def __init__(self, root: Object):
        self.shared: Object = {
            name: root[name] for name in ("$defs", "definitions") if name in root
        }
        self.root = root
        self._possible: set[str] = set()
        self._visits = 0

    def of(self, schema: Json) -> list[Shape]:
        """The shapes of `schema`: a valid value has one of them. Empty if no value is valid."""
        possible = [one for one in self.alternatives(schema) if self._is_possible(one, frozenset())]
        return [self._trimmed(shape) for shape in possible]

    def alternatives(self, schema: Json) -> list[Shape]:
        """The shapes of `schema`, also those that no valid value has."""
        return [shape for flat in self._flat(schema) for shape in self._of_flat(flat)]

    def objects(self, schema: Json) -> list[Mapping]:
        """The shapes of `schema` that are objects; if it has none, that of any object."""
        found = [shape for shape in self.of(schema) if isinstance(shape, Mapping)]
        return found or self.objects({"type": "object"})

    def alone(self, schema: Json) -> Object:
        """`schema` without references at its top, so that it can be used by itself."""
        match self._flat(schema):
            case [only]:
                return {**self.shared, **only}
            case several:
                return {**self.shared, "anyOf": [*several]}

    # -- every combination of choices in a schema

    def _flat(self, schema: Json, seen: frozenset[str] = frozenset()) -> list[Object]:
        """`schema` as alternatives without `$ref`, `allOf`, `anyOf` or `oneOf`."""
        if not isinstance(schema, dict):
            return [] if schema is False else [{}]
        flat: list[Object] = [own_keywords(schema)]
        self._visits += 1
        if self._visits > MAX_VISITS:
            return flat
        for choice, seen_there in self._choices(schema, seen):
            branches = [one for branch in choice for one in self._flat(branch, seen_there)]
            if len(flat) * len(branches) <= MAX_BRANCHES:
                flat = [merged(one, other) for one in flat for other in branches]
        return flat

    def _choices(
        self, schema: Object, seen: frozenset[str]
    ) -> Iterator[tuple[list[Json], frozenset[str]]]:
        for key, value in schema.items():
            match key, value:
                case "$ref", str(pointer) if pointer in seen:
                    yield [], seen  # a circular reference admits nothing
                case "$ref", str(pointer):
                    yield [find(pointer, self.root)], seen | {pointer}
                case "allOf", list(branches):
                    yield from (([branch], seen) for branch in branches)
                case "anyOf" | "oneOf", list(branches):
                    yield branches, seen

    # -- the shapes of one alternative

    def _of_flat(self, flat: Object) -> Iterator[Shape]:
        types = types_of({"type": flat["type"]} if "type" in flat else {})
        if "enum" in flat:
            yield from (Constant(value) for value in self._valid_values(flat))
            return
        if "string" in types:
            yield _text(flat)
        if "integer" in types:
            name = "number" if "number" in types else "integer"
            bounds = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
            yield Number(_only(flat, name, *bounds))
        if "boolean" in types:
            yield from (Constant(True), Constant(False))
        if "null" in types:
            yield Constant(None)
        if "array" in types:
            yield _array(flat)
        if "object" in types:
            yield _mapping(flat)

    def _valid_values(self, flat: Object) -> list[Json]:
        listed = as_list(flat["enum"])
        schema = self.alone({key: value for key, value in flat.items() if key != "enum"})
        if not flat.keys() - {"enum", "description", "title"} or len(listed) > MAX_VALIDATED:
            return listed
        try:
            rest = validator(schema)
            return [value for value in listed if rest.violation(value) is None]
        except UncheckedSchema:
            return listed

    # -- which shapes have any values

    def _is_possible(self, shape: Shape, above: frozenset[str]) -> bool:
        match shape:
            case Number(bounds):
                return _is_range(bounds)
            case Text({"minLength": int(least), "maxLength": int(most)}):
                return least <= most
            case Array(items, least, most, prefix):
                needed = [*prefix, items][:least]
                return least <= (least if most is None else most) and all(
                    self.admits_any(one, above) for one in needed
                )
            case Mapping(properties, required):
                return all(self.admits_any(properties[key], above) for key in required)
            case _:
                return True

    def admits_any(self, schema: Json, above: frozenset[str] = frozenset()) -> bool:
        """Whether `schema`, a subschema of the schemas `above`, has any valid values."""
        name = json.dumps(schema)
        if name in self._possible or self._visits > MAX_VISITS:
            return True
        if name in above:
            return False  # at this depth: if it has finite values, another branch finds them
        if any(self._is_possible(one, above | {name}) for one in self.alternatives(schema)):
            self._possible.add(name)
            return True
        return False

    def _trimmed(self, shape: Shape) -> Shape:
        """`shape` without items and properties that can have no value."""
        match shape:
            case Array(items, least, most, prefix):
                some = [*takewhile(self.admits_any, prefix)]
                is_cut = len(some) < len(prefix) or not self.admits_any(items)
                most = min(len(some), len(some) if most is None else most) if is_cut else most
                return Array(False if is_cut else items, least, most, tuple(some))
            case Mapping(properties, required, others, fewest):
                possible = {key: one for key, one in properties.items() if self.admits_any(one)}
                return Mapping(
                    possible, required, others if self.admits_any(others) else False, fewest
                )
            case _:
                return shape


def _only(flat: Object, type: str, *keys: str) -> Object:
    return {"type": type, **{key: flat[key] for key in keys if key in flat}}


def _text(flat: Object) -> Text:
    lengths = {key: flat[key] for key in ("minLength", "maxLength") if key in flat}
    whole: Object = {key: int(as_number(length)) for key, length in lengths.items()}
    return Text({**_only(flat, "string", "pattern", "format"), **whole})


def _is_range(bounds: Object) -> bool:
    """Whether a number is within `bounds`; a range without an integer counts as one."""
    least = [as_number(bounds[key]) for key in ("minimum", "exclusiveMinimum") if key in bounds]
    most = [as_number(bounds[key]) for key in ("maximum", "exclusiveMaximum") if key in bounds]
    return not least or not most or max(least) <= min(most)


def _array(flat: Object) -> Array:
    least, most = flat.get("minItems", 0), flat.get("maxItems")
    prefix, items = as_list(flat.get("prefixItems")), flat.get("items", True)
    if isinstance(items, list):  # before draft 2020-12
        prefix, items = items, flat.get("additionalItems", True)
    most = None if most is None else int(as_number(most))
    return Array(items, int(as_number(least)), most, tuple(prefix))


def _mapping(flat: Object) -> Mapping:
    properties = as_object(flat.get("properties"))
    required = [*map(str, as_list(flat.get("required")))]
    is_open = "properties" not in flat or any(key not in properties for key in required)
    others: Json = flat.get("additionalProperties", flat.get("unevaluatedProperties", is_open))
    if "patternProperties" in flat:
        others = True
    unlisted = {key: others for key in required if key not in properties}
    least = int(as_number(flat.get("minProperties", 0)))
    return Mapping({**properties, **unlisted}, frozenset(required), others, least)
