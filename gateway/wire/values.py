"""What a bare value means: a tagged argument says its text but not its type."""

from __future__ import annotations

import json
from enum import Enum, auto

from gateway.turns import Json, Object


class Kind(Enum):
    """What a parameter's schema says of its bare text."""

    STRING = auto()
    NOT_STRING = auto()
    EITHER = auto()


def kind_of(parameters: Object, key: str) -> Kind:
    properties = parameters.get("properties")
    schema = properties.get(key) if isinstance(properties, dict) else None
    types = types_of(schema, parameters)
    if types == {"string"}:
        return Kind.STRING
    return Kind.EITHER if "string" in types else Kind.NOT_STRING


ALL_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})


def types_of(schema: Json, root: Object) -> frozenset[str]:
    """The JSON types that `schema` admits, as far as a reader needs to know them."""
    if not isinstance(schema, dict):
        return ALL_TYPES
    match schema:
        case {"$ref": str(pointer)}:
            return types_of(resolve(pointer, root), root)
        case {"const": value}:
            return frozenset({_type_of(value)})
        case {"enum": list(values)}:
            return frozenset(map(_type_of, values))
        case {"type": str(name)}:
            return frozenset({name})
        case {"type": list(names)}:
            return frozenset(str(name) for name in names)
        case {"anyOf": list(branches)} | {"oneOf": list(branches)}:
            return frozenset().union(*(types_of(branch, root) for branch in branches))
        case {"allOf": list(branches)}:
            return ALL_TYPES.intersection(*(types_of(branch, root) for branch in branches))
    return ALL_TYPES


def resolve(pointer: str, root: Object) -> Json:
    """What a local JSON pointer such as `#/$defs/City` points at; None if nothing."""
    node: Json = root
    for step in pointer.removeprefix("#").split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        node = node.get(step) if isinstance(node, dict) else None
    return node


def read_bare(bare: str, kind: Kind) -> str:
    """The JSON text of a bare value: itself if it is JSON of a right type, else a string."""
    try:
        value = json.loads(bare)
    except ValueError:
        return json.dumps(bare, ensure_ascii=False)
    if kind is Kind.EITHER and isinstance(value, str):
        return json.dumps(bare, ensure_ascii=False)
    return bare.strip()


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
