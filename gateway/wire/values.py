"""What a bare value means: a tagged argument says its text but not its type."""

from __future__ import annotations

import json
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from gateway.turns import Json, Object, parse_json

STRING = frozenset({"string"})
ALL_TYPES = STRING | {"number", "integer", "boolean", "object", "array", "null"}


def parameter(parameters: Object, key: str) -> Object:
    """The schema of one parameter, able to stand alone: `{}` if anything may be its value."""
    properties = parameters.get("properties")
    named = properties if isinstance(properties, dict) else {}
    schema = named.get(key, parameters.get("additionalProperties"))
    if not isinstance(schema, dict):
        return {}
    shared: Object = {
        name: parameters[name] for name in ("$defs", "definitions") if name in parameters
    }
    return {**shared, **schema}


def read_bare(bare: str, schema: Object) -> str:
    """The JSON text of a bare value: its own if it is JSON that `schema` admits, else a string."""
    string = json.dumps(bare, ensure_ascii=False)
    try:
        value = parse_json(bare)
    except (ValueError, RecursionError):
        return string
    if "string" not in types_of(schema):
        return bare.strip()
    return string if isinstance(value, str) or not _admits(schema, value) else bare.strip()


def _admits(schema: Object, value: Json) -> bool:
    try:
        # An empty registry: a schema is never fetched.
        return Draft202012Validator(schema, registry=Registry()).is_valid(value)
    except (Unresolvable, RecursionError):
        return False


def types_of(schema: Object) -> frozenset[str]:
    """The JSON types that `schema` admits, as far as a reader needs to know them."""
    return _types(schema, schema, {})


def _types(schema: Json, root: Object, known: dict[str, frozenset[str]]) -> frozenset[str]:
    if not isinstance(schema, dict):
        return frozenset() if schema is False else ALL_TYPES
    types = ALL_TYPES
    for key, value in schema.items():
        match key, value:
            case "$ref", str(pointer):
                if pointer not in known:
                    known[pointer] = frozenset()  # what leads only to itself admits nothing
                    known[pointer] = _types(resolve(pointer, root), root, known)
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
                types &= frozenset().union(*(_types(b, root, known) for b in branches))
            case "allOf", list(branches):
                types = types.intersection(*(_types(b, root, known) for b in branches))
    return types


def resolve(pointer: str, root: Object) -> Json:
    """What a local JSON pointer such as `#/$defs/City` points at; None if nothing."""
    node: Json = root
    for step in unquote(pointer).removeprefix("#").split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        match node:
            case dict():
                node = node.get(step)
            case list() if step.isdecimal() and int(step) < len(node):
                node = node[int(step)]
            case _:
                return None
    return node


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
