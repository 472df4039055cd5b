"""A JSON Schema -> as much of it as llguidance can hold a model to, and the places left out.

What comes out has no annotations, no definition that nothing refers to, and every `$ref` leads
to one of its own `$defs`.

Source: https://github.com/guidance-ai/llguidance/blob/main/docs/json_schema.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.chat.json import Json, Object
from gateway.errors import BadRequest
from gateway.grammar.json_schema.definitions import Definitions
from gateway.grammar.json_schema.rust_regex import spelled
from gateway.grammar.json_schema.supported import (
    FORMATS,
    OTHER_FORMATS,
    Multiples,
    count,
    is_in_range,
    is_plain,
)
from gateway.schema.refs import pointer_step

MOST_NESTED = 48  # schemas in schemas; llguidance's reader of JSON bears 128 brackets

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
_APPLIED = ("allOf", "anyOf", "oneOf", "$ref", "if", "dependentSchemas", "dependencies")


@dataclass(frozen=True, slots=True)
class Unenforced:
    """Where a schema has a keyword that the grammar does not hold a model to."""

    pointer: str
    keyword: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.keyword!r}"


@dataclass(frozen=True, slots=True)
class Relaxed:
    """`origins` says where the definitions were, by name."""

    schema: Object
    unenforced: tuple[Unenforced, ...]
    origins: dict[str, str]


def relax(schema: Object) -> Relaxed:
    """What can be held of `schema`; raises BadRequest if it is nested too deep to be read."""
    definitions = Definitions(schema)
    relaxing = _Relaxing(definitions)
    root = relaxing.schema(schema, "#", 0)
    definitions.write(lambda node, at: relaxing.schema(node, at, 0))
    for node in definitions.too_deep(root):
        del node["$ref"]
        relaxing.unenforced.append(Unenforced(relaxing.referring[id(node)], "$ref"))
    assert isinstance(root, dict)
    if definitions.schemas:
        root = {**root, "$defs": definitions.schemas}
    return Relaxed(root, tuple(dict.fromkeys(relaxing.unenforced)), definitions.origins)


@dataclass
class _Relaxing:
    """Writes schemas anew; `referring` says of each that has a `$ref` where it was, by its id."""

    definitions: Definitions
    unenforced: list[Unenforced] = field(default_factory=list)
    referring: dict[int, str] = field(default_factory=dict)
    _multiples: Multiples = field(default_factory=Multiples)

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
                    name: self.schema(one, f"{at}/{key}/{pointer_step(name)}", depth + 1)
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
                held = self.definitions.refer(value)
            case "const", _:
                held = value if is_plain(value) else None
                if held is None and value is not None:
                    self.unenforced.append(Unenforced(at, key))
                else:
                    result[key] = value
                return
            case "enum", list():
                held = [one for one in value if is_plain(one)] or None
            case "pattern", str():
                held = spelled(value)
            case "patternProperties", dict():
                self._patterns(value, result, at, depth)
                return
            case "format", str():
                held = value if value in FORMATS else None
                if value not in FORMATS | OTHER_FORMATS:
                    return
            case "multipleOf", int() | float():
                held = value if self._multiples.take(value) else None
            case _ if key in _BOUNDS:
                held = value if is_in_range(value) else None
            case _ if key in _COUNTS:
                held = count(value)
            case "unevaluatedProperties", _:
                if not any(other in schema for other in _APPLIED):
                    result.setdefault(
                        "additionalProperties", self.schema(value, f"{at}/{key}", depth + 1)
                    )
                    return
                result.setdefault("additionalProperties", True)
                if value in (True, {}):
                    return
            case _ if key not in _UNHELD or value in _UNHELD[key]:
                return
            case "if", _ if "then" not in schema and "else" not in schema:
                return
        if held is None:
            self.unenforced.append(Unenforced(at, key))
        else:
            result[key] = held
            if key == "$ref":
                self.referring[id(result)] = at

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
                self.unenforced.append(Unenforced(at, "patternProperties"))
            else:
                inner = f"{at}/patternProperties/{pointer_step(pattern)}"
                kept[respelled] = self.schema(schema, inner, depth + 1)
        result["patternProperties"] = kept


def _conditional(schema: Object) -> Iterator[tuple[str, Json]]:
    """The schemas that hold under a condition, and where they stand."""
    if "if" in schema:
        yield from ((key, schema[key]) for key in ("then", "else") if key in schema)
    for key in ("dependentSchemas", "dependencies"):
        branches = schema.get(key)
        if isinstance(branches, dict):
            yield from ((f"{key}/{pointer_step(name)}", one) for name, one in branches.items())


def _patterns(schema: Object) -> Object:
    patterns = schema.get("patternProperties")
    return patterns if isinstance(patterns, dict) else {}


def _properties(schema: Json) -> Object:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}
