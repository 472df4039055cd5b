"""A JSON Schema -> as much of it as llguidance can hold a model to, and the places left out.

What comes out has no annotations, no definition that nothing refers to, and every `$ref` leads
to one of its own `$defs`.

Source: https://github.com/guidance-ai/llguidance/blob/main/docs/json_schema.md
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite, lcm

from gateway.errors import BadRequest
from gateway.turns import Json, Object
from gateway.wire.pattern import spelled
from gateway.wire.reference import find

# The formats that llguidance knows, and those that JSON Schema defines beside them. Any other is
# an annotation (JSON Schema 2020-12, 7.2.3).
FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")
)
_OTHER_FORMATS = frozenset(
    (
        *("idn-email", "idn-hostname", "uri-reference", "iri", "iri-reference", "uri-template"),
        *("json-pointer", "relative-json-pointer", "regex"),
    )
)

MOST_NESTED = 48  # schemas in schemas; llguidance's reader of JSON bears 128 brackets
MOST_REACHED = 300  # schemas in schemas, through references too; at 1,000 llguidance crashes
MOST_STATES = 100_000  # of the automaton for all multiples in a schema
LEAST, MOST = 1e-30, 1e18  # of the numbers that a range can be written for

_SINGLE = ("items", "additionalItems", "additionalProperties")
_SEVERAL = ("allOf", "anyOf", "oneOf", "prefixItems")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")

# What llguidance has no way to hold, with the values that ask for nothing.
_UNHELD: dict[str, tuple[Json, ...]] = {
    "not": (False,),
    "if": (),
    "contains": (),
    "uniqueItems": (False,),
    "unevaluatedItems": (True, {}),
    "propertyNames": (True, {}, {"type": "string"}),
    "dependentRequired": ({},),
    "dependentSchemas": ({},),
    "dependencies": ({},),
    "$dynamicRef": (),
}
_READ_IN_ORDER = (
    *("prefixItems", "items", "additionalItems"),
    *("properties", "patternProperties", "additionalProperties"),
)
_APPLIED = ("allOf", "anyOf", "oneOf", "$ref", "if", "dependentSchemas", "dependencies")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a schema has a keyword that the grammar does not hold a model to."""

    pointer: str
    keyword: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.keyword!r}"


@dataclass(frozen=True, slots=True)
class Relaxed:
    """`origins` says where the definitions were, by name."""

    schema: Object
    places: tuple[Place, ...]
    origins: dict[str, str]


def relax(schema: Object) -> Relaxed:
    """What can be held of `schema`; raises BadRequest if it is nested too deep to be read."""
    relaxing = _Relaxing(schema)
    root = relaxing.schema(schema, "#", 0)
    relaxing.follow()
    relaxing.cut(root)
    assert isinstance(root, dict)
    if relaxing.definitions:
        root = {**root, "$defs": relaxing.definitions}
    return Relaxed(root, tuple(dict.fromkeys(relaxing.places)), relaxing.origins)


@dataclass
class _Relaxing:
    root: Object
    places: list[Place] = field(default_factory=list)
    definitions: Object = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _waiting: deque[tuple[str, Json]] = field(default_factory=deque)
    _links: list[tuple[Object, str]] = field(default_factory=list)
    _ending: set[str] = field(default_factory=set)
    _states: int = 1

    def schema(self, schema: Json, at: str, depth: int) -> Json:
        if not isinstance(schema, dict):
            return schema if isinstance(schema, bool) else True
        if depth > MOST_NESTED:
            raise BadRequest(f"a JSON Schema is nested more than {MOST_NESTED} deep: {at[:200]}")
        result: Object = {}
        for key, value in schema.items():
            if key in _SINGLE and isinstance(value, dict | bool):
                result[key] = self.schema(value, f"{at}/{key}", depth + 1)
            elif isinstance(value, list) and (key in _SEVERAL or key == "items"):
                result[key] = [
                    self.schema(one, f"{at}/{key}/{i}", depth + 1) for i, one in enumerate(value)
                ]
            elif key == "properties" and isinstance(value, dict):
                result[key] = {
                    name: self.schema(one, f"{at}/{key}/{step(name)}", depth + 1)
                    for name, one in value.items()
                }
            elif key in ("type", "required"):
                result[key] = value
            else:
                self._keyword(key, value, schema, result, at, depth)
        if "prefixItems" in schema or not isinstance(schema.get("items"), list):
            result.pop("additionalItems", None)  # it says nothing, and llguidance takes it wrong
        patterns = schema.get("patternProperties")
        if isinstance(patterns, dict) and len(_patterns(result)) < len(patterns):
            result["additionalProperties"] = True  # one of those left out may ask for any key
        self._branches(schema, result, at, depth)
        return result

    def _keyword(
        self, key: str, value: Json, schema: Object, result: Object, at: str, depth: int
    ) -> None:
        """Put into `result` what can be held of a keyword, or note where it was."""
        held: Json = None
        match key, value:
            case "$ref", str():
                held = self._target(value)
            case "const", _:
                held = value if _is_plain(value) else None
                if held is None and value is not None:
                    self.places.append(Place(at, key))
                else:
                    result[key] = value
                return
            case "enum", list():
                held = [one for one in value if _is_plain(one)] or None
            case "pattern", str():
                held = spelled(value)
            case "patternProperties", dict():
                self._patterns(value, result, at, depth)
                return
            case "format", str():
                held = value if value in FORMATS else None
                if value not in FORMATS | _OTHER_FORMATS:
                    return
            case "multipleOf", int() | float():
                held = value if self._has_room(value) else None
            case _ if key in _BOUNDS:
                held = value if _is_in_range(value) else None
            case _ if key in _COUNTS and isinstance(value, int | float):
                held = int(value) if 0 <= value < 2**32 else None
            case "unevaluatedProperties", _:
                if not any(other in schema for other in _APPLIED):
                    result.setdefault("additionalProperties", self.schema(value, at, depth + 1))
                    return
                result.setdefault("additionalProperties", True)
                if value in (True, {}):
                    return
            case _ if key not in _UNHELD or value in _UNHELD[key]:
                return
            case "if", _ if "then" not in schema and "else" not in schema:
                return
        if held is None:
            self.places.append(Place(at, key))
        else:
            result[key] = held
            if key == "$ref":
                self._links.append((result, at))

    def _branches(self, schema: Object, result: Object, at: str, depth: int) -> None:
        """Leave room for the properties that only a condition, which is not held, asks for."""
        found: dict[str, list[Json]] = {}
        for where, branch in _conditional(schema):
            if isinstance(branch, dict) and isinstance(branch.get("properties"), dict):
                one = self.schema({"properties": branch["properties"]}, f"{at}/{where}", depth + 1)
                for name, value in _properties(one).items():
                    found.setdefault(name, []).append(value)
        if not found or not ("properties" in result or "additionalProperties" in result):
            return
        own = _properties(result)
        either: Object = {
            name: values[0] if len(values) == 1 else {"anyOf": values}
            for name, values in found.items()
        }
        result["properties"] = {**own, **{k: v for k, v in either.items() if k not in own}}

    def _patterns(self, patterns: Object, result: Object, at: str, depth: int) -> None:
        kept: Object = {}
        for pattern, schema in patterns.items():
            respelled = spelled(pattern)
            if respelled is None:
                self.places.append(Place(at, "patternProperties"))
            else:
                inner = f"{at}/patternProperties/{step(pattern)}"
                kept[respelled] = self.schema(schema, inner, depth + 1)
        result["patternProperties"] = kept

    def _has_room(self, step: float) -> bool:
        """Whether the automaton for the multiples of `step` too would still be small."""
        if not 0 < step < MOST_STATES:
            return False
        exponent = 0
        while step != int(step) and exponent < 9:
            step, exponent = step * 10, exponent + 1
        states = lcm(self._states, int(step)) * 10**exponent
        if step != int(step) or states > MOST_STATES:
            return False
        self._states = states
        return True

    # -- references

    def _target(self, reference: str) -> str | None:
        """Where a reference leads in the schema that comes out; None if nowhere."""
        node = find(reference, self.root)
        if not isinstance(node, dict | bool) or self._leads_round(reference):
            return None
        name = self._names.get(id(node)) if isinstance(node, dict) else None
        if name is None:
            name = f"d{len(self.origins)}"
            self.origins[name] = reference
            if isinstance(node, dict):
                self._names[id(node)] = name
            self._waiting.append((name, node))
        return f"#/$defs/{name}"

    def _leads_round(self, reference: str) -> bool:
        """Whether a reference leads to nothing but references, for ever."""
        passed: set[str] = set()
        node = find(reference, self.root)
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            if reference in passed or len(passed) > MOST_REACHED:
                return True
            if reference in self._ending:
                break
            passed.add(reference)
            reference = str(node["$ref"])
            node = find(reference, self.root)
        self._ending |= passed
        return False

    def follow(self) -> None:
        """Relax the definitions that are referred to, and those that they refer to."""
        while self._waiting:
            name, node = self._waiting.popleft()
            self.definitions[name] = self.schema(node, self.origins[name], 0)

    def cut(self, root: Json) -> None:
        """Drop the references that llguidance would follow too deep for its stack."""
        places = {id(node): at for node, at in self._links}
        met: set[str] = set()
        waiting: list[tuple[Json, int]] = [(root, 0)]
        while waiting:
            node, depth = waiting.pop()
            inner = node if isinstance(node, list) else []
            if isinstance(node, dict):
                if id(node) in places and depth > MOST_REACHED:
                    del node["$ref"]
                    self.places.append(Place(places[id(node)], "$ref"))
                inner = list(self._followed(node, met))
            waiting += [(one, depth + isinstance(node, dict)) for one in reversed(inner)]

    def _followed(self, node: Object, met: set[str]) -> Iterator[Json]:
        """What is in `node`, in the order that llguidance reads it."""
        group: list[str] = []
        for key in (*node, None):
            if key is not None and key not in _APPLIED:
                group.append(key)
                continue
            yield from (node[one] for one in sorted(group, key=_rank))
            group = []
            if key == "$ref":
                name = str(node[key]).removeprefix("#/$defs/")
                if name in self.definitions and name not in met:
                    met.add(name)
                    yield self.definitions[name]
            elif key is not None:
                yield node[key]


def _rank(key: str) -> int:
    return _READ_IN_ORDER.index(key) if key in _READ_IN_ORDER else -1


def _conditional(schema: Object) -> Iterator[tuple[str, Json]]:
    """The schemas that hold under a condition, and where they stand."""
    if "if" in schema:
        yield from ((key, schema[key]) for key in ("then", "else") if key in schema)
    for key in ("dependentSchemas", "dependencies"):
        branches = schema.get(key)
        if isinstance(branches, dict):
            yield from ((f"{key}/{step(name)}", one) for name, one in branches.items())


def _patterns(schema: Object) -> Object:
    patterns = schema.get("patternProperties")
    return patterns if isinstance(patterns, dict) else {}


def _properties(schema: Json) -> Object:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


def _is_plain(value: Json) -> bool:
    """Whether a model can write `value`, and llguidance read it."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return False
    return all(map(isfinite, _numbers(value)))


def _numbers(value: Json) -> Iterator[float]:
    match value:
        case int() | float():
            try:
                yield float(value)
            except OverflowError:
                yield float("inf")
        case list() | dict():
            for inner in value.values() if isinstance(value, dict) else value:
                yield from _numbers(inner)


def _is_in_range(bound: Json) -> bool:
    """Whether llguidance can write a range that ends at `bound`; draft 4 has booleans here."""
    if not isinstance(bound, int | float):
        return False
    return isinstance(bound, bool) or bound == 0 or LEAST <= abs(bound) <= MOST


def step(name: str) -> str:
    """A key as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
