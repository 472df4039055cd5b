"""A JSON Schema -> the shapes that its values have, for notations that JSON's grammar can't spell.

What a schema says in other ways (`not`, `if`, `patternProperties`, `uniqueItems`, ...) is left
out: a shape then admits more than its schema does, never less. An object that lists its
properties takes no others, unless it says that it does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from gateway.chat.json import Json, Object
from gateway.schema.types import resolve, types_of
from gateway.schema.validate import validator
from gateway.schema.validation_limits import UncheckedSchema

MOST_VISITS = 20_000  # of schemas in one; definitions that name others twice have no end
MOST_LISTED = 1000  # values that are checked against what else is said of them
MOST_BRANCHES = 64  # that several choices may come to when they are made together


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `schema` says nothing of it but its pattern and its length."""

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
    items: Json
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Mapping:
    """An object; `others` is the schema of what `properties` don't name, False if nothing is."""

    properties: Object
    required: frozenset[str]
    others: Json


Shape: TypeAlias = Text | Number | Constant | Array | Mapping


class Shapes:
    """Knows the shapes of every schema in `root`; a `$ref` is looked up there."""

    def __init__(self, root: Object):
        self.shared: Object = {
            name: root[name] for name in ("$defs", "definitions") if name in root
        }
        self._root = root
        self._possible: set[str] = set()
        self._visits = 0

    def of(self, schema: Json) -> list[Shape]:
        """The shapes of which a valid value has one; none if there is no valid value."""
        shapes = [shape for flat in self._flat(schema) for shape in self._of_flat(flat)]
        possible = [shape for shape in shapes if self._is_possible(shape, frozenset())]
        return [self._trimmed(shape) for shape in possible]

    def alone(self, schema: Json) -> Object:
        """What `schema` says of a value, without references as far as the value is no container."""
        match self._flat(schema):
            case [only]:
                return {**self.shared, **only}
            case several:
                return {**self.shared, "anyOf": [*several]}

    # -- what a schema comes down to once every choice in it is made

    def _flat(self, schema: Json, seen: frozenset[str] = frozenset()) -> list[Object]:
        """`schema` as schemas without `$ref`, `allOf`, `anyOf` or `oneOf`, one of which holds."""
        if not isinstance(schema, dict):
            return [] if schema is False else [{}]
        flat: list[Object] = [_own(schema)]
        self._visits += 1
        if self._visits > MOST_VISITS:
            return flat
        for choice, seen_there in self._choices(schema, seen):
            branches = [one for branch in choice for one in self._flat(branch, seen_there)]
            if len(flat) * len(branches) <= MOST_BRANCHES:
                flat = [_both(one, other) for one in flat for other in branches]
        return flat

    def _choices(
        self, schema: Object, seen: frozenset[str]
    ) -> Iterator[tuple[list[Json], frozenset[str]]]:
        for key, value in schema.items():
            match key, value:
                case "$ref", str(pointer) if pointer in seen:
                    yield [], seen  # what leads only to itself admits nothing
                case "$ref", str(pointer):
                    yield [resolve(pointer, self._root)], seen | {pointer}
                case "allOf", list(branches):
                    yield from (([branch], seen) for branch in branches)
                case "anyOf" | "oneOf", list(branches):
                    yield branches, seen

    # -- the shapes of one such schema

    def _of_flat(self, flat: Object) -> Iterator[Shape]:
        types = types_of({"type": flat["type"]} if "type" in flat else {})
        if "enum" in flat:
            yield from (Constant(value) for value in self._listed(flat))
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

    def _listed(self, flat: Object) -> list[Json]:
        listed = _list(flat["enum"])
        schema = self.alone({key: value for key, value in flat.items() if key != "enum"})
        if not flat.keys() - {"enum", "description", "title"} or len(listed) > MOST_LISTED:
            return listed
        try:
            rest = validator(schema)
            return [value for value in listed if rest.violation(value) is None]
        except UncheckedSchema:
            return listed

    # -- which shapes have any values

    def _is_possible(self, shape: Shape, above: frozenset[str]) -> bool:
        match shape:
            case Text({"minLength": int(least), "maxLength": int(most)}):
                return least <= most
            case Array(items, least, most):
                return least <= (least if most is None else most) and (
                    not least or self._admits_any(items, above)
                )
            case Mapping(properties, required):
                return all(self._admits_any(properties[key], above) for key in required)
            case _:
                return True

    def _admits_any(self, schema: Json, above: frozenset[str] = frozenset()) -> bool:
        """Whether `schema`, which stands within the schemas `above`, has any valid values."""
        name = json.dumps(schema)
        if name in self._possible or self._visits > MOST_VISITS:
            return True
        if name in above:
            return False  # at this depth: if it has values, they end elsewhere
        shapes = (shape for flat in self._flat(schema) for shape in self._of_flat(flat))
        if any(self._is_possible(shape, above | {name}) for shape in shapes):
            self._possible.add(name)
            return True
        return False

    def _trimmed(self, shape: Shape) -> Shape:
        """`shape` without what can't be there."""
        match shape:
            case Array(items) if not self._admits_any(items):
                return Array(False, 0, 0)
            case Mapping(properties, required, others):
                some = {key: one for key, one in properties.items() if self._admits_any(one)}
                return Mapping(some, required, others if self._admits_any(others) else False)
            case _:
                return shape


def _own(schema: Object) -> Object:
    """What `schema` says itself, `type` and `const` in the form that can be joined."""
    own = {key: schema[key] for key in schema if key not in _COMBINED}
    if "type" in own:
        own["type"] = [*sorted(types_of({"type": own["type"]}))]
    if "const" in own:
        own["enum"] = [own.pop("const")]
    return own


def _both(one: Object, other: Object) -> Object:
    """What two schemas say together; of two things that can't be joined, the second is kept."""
    said = {**one, **other}
    for key in one.keys() & other.keys():
        if key in _JOINED:
            said[key] = _JOINED[key](one[key], other[key])
    return said


def _in_both(one: Json, other: Json) -> Json:
    return [value for value in _list(one) if value in _list(other)]


def _in_either(one: Json, other: Json) -> Json:
    return [*_list(one), *(value for value in _list(other) if value not in _list(one))]


def _all_of(one: Json, other: Json) -> Json:
    branches = _list(_in_either(_branches(one), _branches(other)))
    return branches[0] if len(branches) == 1 else {"allOf": branches}


def _branches(schema: Json) -> list[Json]:
    if isinstance(schema, dict) and [*schema] == ["allOf"]:
        return _list(schema["allOf"])
    return [schema]


def _of_each(one: Json, other: Json) -> Json:
    ones, others = _object(one), _object(other)
    shared = {key: _all_of(ones[key], others[key]) for key in ones if key in others}
    return {**ones, **others, **shared}


def _least(one: Json, other: Json) -> Json:
    return min(_number(one), _number(other))


def _most(one: Json, other: Json) -> Json:
    return max(_number(one), _number(other))


def _number(value: Json) -> float:
    return value if isinstance(value, int | float) else 0


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _object(value: Json) -> Object:
    return value if isinstance(value, dict) else {}


_COMBINED = ("$ref", "allOf", "anyOf", "oneOf", "$defs", "definitions")
_JOINED: dict[str, Callable[[Json, Json], Json]] = {
    **dict.fromkeys(("type", "enum"), _in_both),
    "required": _in_either,
    "properties": _of_each,
    **dict.fromkeys(("items", "additionalProperties", "unevaluatedProperties"), _all_of),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems"), _most),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems"), _least),
}


def _only(flat: Object, type: str, *keys: str) -> Object:
    return {"type": type, **{key: flat[key] for key in keys if key in flat}}


def _text(flat: Object) -> Text:
    lengths = {key: flat[key] for key in ("minLength", "maxLength") if key in flat}
    whole: Object = {key: int(_number(length)) for key, length in lengths.items()}
    return Text({**_only(flat, "string", "pattern"), **whole})


def _array(flat: Object) -> Array:
    least, most = flat.get("minItems", 0), flat.get("maxItems")
    items = True if "prefixItems" in flat else flat.get("items", True)
    return Array(items, int(_number(least)), None if most is None else int(_number(most)))


def _mapping(flat: Object) -> Mapping:
    properties = _object(flat.get("properties"))
    required = [*map(str, _list(flat.get("required")))]
    is_open = "properties" not in flat or any(key not in properties for key in required)
    others: Json = flat.get("additionalProperties", flat.get("unevaluatedProperties", is_open))
    if "patternProperties" in flat:
        others = True
    unlisted = {key: others for key in required if key not in properties}
    return Mapping({**properties, **unlisted}, frozenset(required), others)
