"""The part of a JSON Schema that llguidance supports, and the keywords that are left out.

The result has no annotations, no unused definitions, and every `$ref` leads to one of its `$defs`.

Source: https://github.com/guidance-ai/llguidance/blob/main/docs/json_schema.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.chat.json import Json, Object
from gateway.errors import BadRequest
from gateway.grammar.json_schema.definitions import Definitions
from gateway.grammar.json_schema.formats import FORMATS, UNSUPPORTED_FORMATS
from gateway.grammar.json_schema.rust_regex import to_rust
from gateway.grammar.json_schema.supported import (
    MAX_COUNT,
    MAX_LENGTHS,
    Multiples,
    are_constants_few,
    is_bound,
    is_constant,
    to_count,
)
from gateway.schema.access import as_object, properties
from gateway.schema.refs import pointer_step

MAX_DEPTH = 48  # subschemas within subschemas; llguidance's JSON parser takes 128 brackets

_SINGLE = ("items", "additionalItems", "additionalProperties")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_COUNTS = ("minItems", "maxItems", "minProperties", "maxProperties")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")

# Keywords that llguidance does not support, with the values that have no effect.
_UNSUPPORTED: dict[str, tuple[Json, ...]] = {
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
    """A keyword that the grammar does not enforce, and the pointer of the schema that has it."""

    pointer: str
    keyword: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.keyword!r}"


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A schema that llguidance supports, and the keywords that it lacks.

    `origins` has the reference that led to each of its definitions, by name.
    """

    schema: Object
    unenforced: tuple[Unenforced, ...]
    origins: dict[str, str]


def relax(schema: Object) -> Relaxed:
    """The part of `schema` that llguidance supports; raises BadRequest if it is nested too deep."""
    definitions = Definitions(schema)
    relaxing = _Relaxing(definitions)
    root = relaxing.schema(schema, "#", 0)
    definitions.write(lambda node, at: relaxing.schema(node, at, 0))
    for node in definitions.too_deep(root):
        del node["$ref"]
        relaxing.unenforced.append(Unenforced(relaxing.references[id(node)], "$ref"))
    assert isinstance(root, dict)
    if definitions.schemas:
        root = {**root, "$defs": definitions.schemas}
    return Relaxed(root, tuple(dict.fromkeys(relaxing.unenforced)), definitions.origins)


@dataclass
class _Relaxing:
    """Copies schemas, without the keywords that llguidance does not support.

    `references` has the pointer of each copy with a `$ref`, by its id.
    """

    definitions: Definitions
    unenforced: list[Unenforced] = field(default_factory=list)
    references: dict[int, str] = field(default_factory=dict)
    _multiples: Multiples = field(default_factory=Multiples)

    def schema(self, schema: Json, at: str, depth: int) -> Json:
        """A copy of `schema`, which is at the pointer `at`."""
        if not isinstance(schema, dict):
            return schema if isinstance(schema, bool) else True
        if depth > MAX_DEPTH:
            raise BadRequest(f"a JSON Schema is nested more than {MAX_DEPTH} deep: {at[:200]}")
        result: Object = {}
        for key, value in schema.items():
            if key in _SINGLE and isinstance(value, dict | bool):
                result[key] = self.schema(value, f"{at}/{key}", depth + 1)
            elif isinstance(value, list) and (key in _LISTS or key == "items"):
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
            result.pop("additionalItems", None)  # no effect, and llguidance reads it differently
        patterns = as_object(schema.get("patternProperties"))
        if len(as_object(result.get("patternProperties"))) < len(patterns):
            result["additionalProperties"] = True  # a pattern left out may be of any property
        self._conditional_properties(schema, result, at, depth)
        return result

    def _keyword(
        self, key: str, value: Json, schema: Object, result: Object, at: str, depth: int
    ) -> None:
        """Put the supported part of a keyword into `result`, or record it as unenforced."""
        supported: Json = None
        match key, value:
            case "$ref", str():
                supported = self.definitions.refer(value)
            case "const", _:
                supported = value if is_constant(value) else None
                if supported is None and value is not None:
                    self.unenforced.append(Unenforced(at, key))
                else:
                    result[key] = value
                return
            case "enum", list():
                constants = [one for one in value if is_constant(one)]
                supported = constants if constants and are_constants_few(constants) else None
            case "pattern", str():
                supported = to_rust(value)
            case "patternProperties", dict():
                self._patterns(value, result, at, depth)
                return
            case "format", str():
                if value not in FORMATS and value not in UNSUPPORTED_FORMATS:
                    return
                if value in FORMATS and "pattern" not in schema:
                    result["pattern"] = f"^({FORMATS[value]})$"
                    return
                supported = value if value in FORMATS else None
            case "multipleOf", int() | float():
                supported = value if self._multiples.add(value) else None
            case _ if key in _BOUNDS:
                supported = value if is_bound(value) else None
            case "minLength" | "maxLength", _:
                supported = to_count(value, MAX_LENGTHS[key])
            case _ if key in _COUNTS:
                supported = to_count(value, MAX_COUNT)
            case "unevaluatedProperties", _:
                if not any(other in schema for other in _APPLIED):
                    result.setdefault(
                        "additionalProperties", self.schema(value, f"{at}/{key}", depth + 1)
                    )
                    return
                result.setdefault("additionalProperties", True)
                if value in (True, {}):
                    return
            case "unevaluatedItems", _ if "items" in schema:
                return  # it applies to no item
            case "unevaluatedItems", _ if not any(o in schema for o in (*_APPLIED, "contains")):
                result["items"] = self.schema(value, f"{at}/{key}", depth + 1)
                return
            case _ if key not in _UNSUPPORTED or value in _UNSUPPORTED[key]:
                return
            case "if", _ if "then" not in schema and "else" not in schema:
                return
        if supported is None:
            self.unenforced.append(Unenforced(at, key))
        else:
            result[key] = supported
            if key == "$ref":
                self.references[id(result)] = at

    def _conditional_properties(self, schema: Object, result: Object, at: str, depth: int) -> None:
        """Admit the properties that conditions add: the conditions are not enforced."""
        found: dict[str, list[Json]] = {}
        for where, branch in _conditional(schema):
            if isinstance(branch, dict) and isinstance(branch.get("properties"), dict):
                one = self.schema({"properties": branch["properties"]}, f"{at}/{where}", depth + 1)
                for name, value in properties(one).items():
                    found.setdefault(name, []).append(value)
        if not found or not ("properties" in result or "additionalProperties" in result):
            return
        own = properties(result)
        added: Object = {
            name: values[0] if len(values) == 1 else {"anyOf": values}
            for name, values in found.items()
        }
        result["properties"] = {**own, **{k: v for k, v in added.items() if k not in own}}

    def _patterns(self, patterns: Object, result: Object, at: str, depth: int) -> None:
        supported: Object = {}
        for pattern, schema in patterns.items():
            translated = to_rust(pattern)
            if translated is None:
                self.unenforced.append(Unenforced(at, "patternProperties"))
            else:
                inner = f"{at}/patternProperties/{pointer_step(pattern)}"
                supported[translated] = self.schema(schema, inner, depth + 1)
        result["patternProperties"] = supported


def _conditional(schema: Object) -> Iterator[tuple[str, Json]]:
    """The schemas that apply under a condition, with their pointers relative to `schema`."""
    if "if" in schema:
        yield from ((key, schema[key]) for key in ("then", "else") if key in schema)
    for key in ("dependentSchemas", "dependencies"):
        for name, one in as_object(schema.get(key)).items():
            yield f"{key}/{pointer_step(name)}", one
