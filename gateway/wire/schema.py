"""A JSON Schema as the user wrote it -> the one that the grammar holds a model to."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.errors import BadRequest
from gateway.turns import Json, Object, Tool
from gateway.wire.format import AsJson
from gateway.wire.values import resolve

# The formats that llguidance knows; any other is an annotation (JSON Schema 2020-12, 7.2.3).
FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")
)

_ELSEWHERE = ("additionalProperties", "patternProperties", "unevaluatedProperties")
_COMBINED = ("allOf", "anyOf", "oneOf", "$ref")
_NAMED = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_VALUES = ("const", "enum", "default", "examples")

# What says more of an object than its properties one by one.
_ACROSS = (
    *_COMBINED,
    *("not", "if", "dependentRequired", "dependentSchemas"),
    *("minProperties", "maxProperties", "propertyNames", "patternProperties"),
)


def held(schema: Object, style: AsJson = AsJson()) -> Object:
    """`schema` with closed objects, known formats, and the family's own JSON spacing.

    What it admits, `schema` admits. An object that lists its properties takes no others, unless
    it says that it does: a model that is free to invent keys invents them.
    """
    closing = _Closing(schema)
    closed, known = closing.object(schema, False), -1
    while len(closing.joined) > known:  # one more that must stay open may be met late
        known = len(closing.joined)
        closed = closing.object(schema, False)
    spacing: Object = {
        "whitespace_flexible": False,
        "item_separator": style.item_separator,
        "key_separator": style.key_separator,
    }
    return {**closed, "x-guidance": spacing}


def check_listed(tool: Tool, format: str) -> None:
    """Refuse parameters that can't be written one by one."""
    across = [key for key in _ACROSS if key in tool.parameters]
    far = [
        f"$ref {pointer!r}"
        for pointer in _pointers(tool.parameters)
        if not pointer.startswith(("#/$defs/", "#/definitions/"))
    ]
    for wrong in [*across, *far]:
        raise BadRequest(
            f"tool {tool.name!r}: in the format {format!r} arguments are written one by one, so"
            f" its parameters must be listed in `properties`, without {wrong}",
            param="tools",
        )


class _Closing:
    """`joined` are the objects that several schemas speak of, so that none may close them."""

    def __init__(self, root: Object):
        self.joined: set[int] = set()
        self._root = root

    def object(self, schema: Object, joined: bool) -> Object:
        own = any(key in schema for key in ("properties", "required", *_ELSEWHERE))
        joined = joined or id(schema) in self.joined or own + _branches(schema) > 1
        if joined and "$ref" in schema:
            self.joined.add(id(resolve(str(schema["$ref"]), self._root)))
        result: Object = {}
        for key, value in schema.items():
            if key in _VALUES:
                result[key] = value
            elif key in _NAMED and isinstance(value, dict):
                below = joined and key == "properties"
                result[key] = {name: self._any(sub, below) for name, sub in value.items()}
            elif key == "oneOf" and "anyOf" not in schema and self._are_told_apart(value):
                result["anyOf"] = self._any(value, joined)
            elif key != "format" or value in FORMATS:
                result[key] = self._any(value, joined)
        if not joined and _lists_all(schema):
            result["additionalProperties"] = False
        return result

    def _any(self, schema: Json, joined: bool) -> Json:
        if isinstance(schema, list):
            return [self._any(item, joined) for item in schema]
        return self.object(schema, joined) if isinstance(schema, dict) else schema

    def _are_told_apart(self, branches: Json) -> bool:
        """Whether some required property has another constant in each branch.

        Then no two can be true, and `anyOf`, which llguidance knows, says the same as `oneOf`.
        """
        if not isinstance(branches, list):
            return False
        constants = [dict(self._constants(branch)) for branch in branches]
        keys = set[str].intersection(*map(set, constants)) if constants else set()
        return any(len({found[key] for found in constants}) == len(branches) for key in keys)

    def _constants(self, schema: Json) -> Iterator[tuple[str, str]]:
        if isinstance(schema, dict) and "$ref" in schema:
            schema = resolve(str(schema["$ref"]), self._root)
        match schema:
            case {"properties": dict(properties), "required": list(required)}:
                for key in map(str, required):
                    match properties.get(key):
                        case {"const": str(value)} | {"enum": [str(value)]}:
                            yield key, value


def _branches(schema: Object) -> int:
    every = schema.get("allOf")
    several = len(every) if isinstance(every, list) else 0
    return several + sum(key in schema for key in ("anyOf", "oneOf", "$ref"))


def _lists_all(schema: Object) -> bool:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or any(key in schema for key in _ELSEWHERE):
        return False
    return not isinstance(required, list) or all(key in properties for key in required)


def _pointers(schema: Json) -> Iterator[str]:
    """Every `$ref` in `schema`."""
    if isinstance(schema, list):
        for item in schema:
            yield from _pointers(item)
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str):
            yield value
        elif key in _NAMED and isinstance(value, dict):
            yield from _pointers(list(value.values()))
        elif key not in _VALUES:
            yield from _pointers(value)
