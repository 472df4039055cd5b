"""The JSON types that a schema admits, and the meaning of a value that is written without quotes.

A tagged argument, as in `<parameter=days>3</parameter>`, has a text but no type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from gateway.chat.json import Json, Object, parse_json
from gateway.schema.access import properties, required
from gateway.schema.refs import find, standalone
from gateway.schema.validate import is_valid

STRING = frozenset({"string"})
MAX_DEPTH = 100  # subschemas within subschemas, also through references
_COMBINED = ("$ref", "allOf", "anyOf", "oneOf", "then", "else", "dependentSchemas", "dependencies")
ALL_TYPES = STRING | {"number", "integer", "boolean", "object", "array", "null"}


def listed_parameters(parameters: Object) -> tuple[Object, list[str]]:
    """The schemas of the parameters that are listed, by name, and the names of the required ones.

    That includes what `allOf` and `$ref` add at the top. What a branch of `anyOf`, `oneOf` or a
    condition adds is included too, but not required.
    """
    if not any(key in parameters for key in _COMBINED):
        return properties(parameters), required(parameters)
    certain: dict[str, list[Json]] = {}
    possible: dict[str, list[Json]] = {}
    names: list[str] = []
    for view, is_certain in _views(parameters, parameters, True, set()):
        for name, schema in properties(view).items():
            (certain if is_certain else possible).setdefault(name, []).append(schema)
        if is_certain:
            names += required(view)
    every = {name: _joined("allOf", schemas) for name, schemas in certain.items()}
    other = {name: _joined("anyOf", schemas) for name, schemas in possible.items()}
    return {**every, **{k: v for k, v in other.items() if k not in every}}, names


def _views(
    schema: Json, root: Object, is_certain: bool, seen: set[int]
) -> Iterator[tuple[Object, bool]]:
    """The schemas that apply to the same value as `schema`, and whether each always does."""
    if not isinstance(schema, dict) or id(schema) in seen or len(seen) > MAX_DEPTH:
        return
    seen.add(id(schema))
    yield schema, is_certain
    for key, value in schema.items():
        match key, value:
            case "$ref", str(reference):
                yield from _views(find(reference, root), root, is_certain, seen)
            case "allOf" | "anyOf" | "oneOf", list(branches):
                for one in branches:
                    yield from _views(one, root, is_certain and key == "allOf", seen)
            case "then" | "else", _:
                yield from _views(value, root, False, seen)
            case "dependentSchemas" | "dependencies", dict(branches):
                for one in branches.values():
                    yield from _views(one, root, False, seen)


def _joined(keyword: str, schemas: list[Json]) -> Json:
    return schemas[0] if len(schemas) == 1 else {keyword: schemas}


def parameter(parameters: Object, key: str) -> Object:
    """The schema of one parameter, with all that it refers to; `{}` if it admits any value."""
    schema = listed_parameters(parameters)[0].get(key, parameters.get("additionalProperties"))
    if not isinstance(schema, dict):
        return {}
    return standalone(schema, parameters)


def read_bare(bare: str, schema: Object) -> str:
    """The JSON text of an unquoted value: itself if it is valid under `schema`, else a string."""
    string = json.dumps(bare, ensure_ascii=False)
    try:
        value = parse_json(bare)
    except (ValueError, RecursionError):
        return string
    if "string" not in types_of(schema):
        return bare.strip()
    return string if isinstance(value, str) or not is_valid(schema, value) else bare.strip()


def types_of(schema: Json, root: Object | None = None) -> frozenset[str]:
    """The JSON types that `schema` admits, by `type`, `enum`, `const` and combinations of schemas.

    `root` is the schema that its references lead into, if that is not `schema` itself.
    """
    if root is None:
        root = schema if isinstance(schema, dict) else {}
    return _types(schema, root, {})


def _types(
    schema: Json, root: Object, known: dict[str, frozenset[str]], depth: int = 0
) -> frozenset[str]:
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return frozenset() if schema is False else ALL_TYPES
    types = ALL_TYPES
    depth += 1
    for key, value in schema.items():
        match key, value:
            case "$ref", str(pointer):
                if pointer not in known:
                    known[pointer] = frozenset()  # a circular reference admits nothing
                    known[pointer] = _types(find(pointer, root), root, known, depth)
                types &= known[pointer]
            case "const", _:
                types &= _type_of(value)
            case "enum", list(values):
                types &= frozenset().union(*map(_type_of, values))
            case "type", str(name):
                types &= _named(name)
            case "type", list(names):
                types &= frozenset().union(*(_named(str(name)) for name in names))
            case "anyOf" | "oneOf", list(branches):
                types &= frozenset().union(*(_types(b, root, known, depth) for b in branches))
            case "allOf", list(branches):
                types = types.intersection(*(_types(b, root, known, depth) for b in branches))
    return types


def _named(name: str) -> frozenset[str]:
    return frozenset({"number", "integer"} if name == "number" else {name})


def _type_of(value: Json) -> frozenset[str]:
    match value:
        case None:
            return frozenset({"null"})
        case bool():
            return frozenset({"boolean"})
        case int() | float():
            return frozenset({"number", "integer"})
        case str():
            return STRING
        case list():
            return frozenset({"array"})
        case dict():
            return frozenset({"object"})
