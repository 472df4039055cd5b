"""What a bare value means: a tagged argument says its text but not its type."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from gateway.turns import Json, Object, parse_json

STRING = frozenset({"string"})
ALL_TYPES = STRING | {"number", "integer", "boolean", "object", "array", "null"}


def parameter(parameters: Object, key: str) -> Object:
    """The schema of one parameter, able to stand alone: `{}` if it is not declared."""
    properties = parameters.get("properties")
    schema = properties.get(key) if isinstance(properties, dict) else None
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
    except ValueError:
        return string
    if "string" not in types_of(schema, schema):
        return bare.strip()
    is_valid = not isinstance(value, str) and Draft202012Validator(schema).is_valid(value)
    return bare.strip() if is_valid else string


def types_of(schema: Json, root: Object, depth: int = 8) -> frozenset[str]:
    """The JSON types that `schema` admits, as far as a reader needs to know them."""
    if not isinstance(schema, dict) or not depth:
        return ALL_TYPES
    match schema:
        case {"$ref": str(pointer)}:
            return types_of(resolve(pointer, root), root, depth - 1)
        case {"const": value}:
            return frozenset({_type_of(value)})
        case {"enum": list(values)}:
            return frozenset(map(_type_of, values))
        case {"type": str(name)}:
            return frozenset({name})
        case {"type": list(names)}:
            return frozenset(str(name) for name in names)
        case {"anyOf": list(branches)} | {"oneOf": list(branches)}:
            return frozenset().union(*(types_of(branch, root, depth - 1) for branch in branches))
        case {"allOf": list(branches)}:
            return ALL_TYPES.intersection(*(types_of(b, root, depth - 1) for b in branches))
    return ALL_TYPES


def resolve(pointer: str, root: Object) -> Json:
    """What a local JSON pointer such as `#/$defs/City` points at; None if nothing."""
    node: Json = root
    for step in pointer.removeprefix("#").split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        node = node.get(step) if isinstance(node, dict) else None
    return node


def _type_of(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
