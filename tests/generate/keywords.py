"""Each keyword of JSON Schema 2020-12, in the schema of a parameter or of all of them."""

from __future__ import annotations

from gateway.chat.json import Json, Object

_STRING: Object = {"type": "string", "maxLength": 9}
_INTEGER: Object = {"type": "integer"}
_OBJECT: Object = {"type": "object", "properties": {"a": _INTEGER, "b": _STRING}}
_ARRAY: Object = {"type": "array", "maxItems": 4}


def _x(schema: Json, root: Object | None = None) -> Object:
    return {"type": "object", "properties": {"x": schema}, "required": ["x"], **(root or {})}


def _defines(target: Object) -> Object:
    return {"$defs": {"A": {**target, "type": "integer"}}}


KEYWORDS: dict[str, Object] = {
    "type": _x({"type": ["integer", "boolean", "null"]}),
    "enum": _x({"enum": ["a", 1, None, [2], {"b": 3}]}),
    "const": _x({"const": {"a": [1, "b"]}}),
    "multipleOf": _x({"type": "integer", "multipleOf": 7}),
    "minimum, maximum": _x({"type": "number", "minimum": -2, "maximum": 2.5}),
    "exclusiveMinimum, exclusiveMaximum": _x(
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 9}
    ),
    "minLength, maxLength": _x({"type": "string", "minLength": 2, "maxLength": 5}),
    "pattern": _x({"type": "string", "pattern": "^[a-z]{2}-[0-9]+$"}),
    "format": _x({"type": "string", "format": "date-time"}),
    "items": _x({**_ARRAY, "items": {"type": "integer"}}),
    "prefixItems": _x({"type": "array", "prefixItems": [{"type": "integer"}], "items": False}),
    "minItems, maxItems": _x(
        {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2}
    ),
    "uniqueItems": _x({**_ARRAY, "items": {"type": "boolean"}, "uniqueItems": True}),
    "contains": _x({**_ARRAY, "items": {"type": "boolean"}, "contains": {"const": True}}),
    "unevaluatedItems": _x({**_ARRAY, "prefixItems": [_STRING], "unevaluatedItems": False}),
    "properties, required": _x({**_OBJECT, "required": ["a"]}),
    "additionalProperties": _x({"type": "object", "additionalProperties": {"type": "integer"}}),
    "patternProperties": _x(
        {"type": "object", "patternProperties": {"^x": _STRING}, "additionalProperties": False}
    ),
    "propertyNames": _x({"type": "object", "propertyNames": {"pattern": "^a+$"}}),
    "minProperties": _x({**_OBJECT, "minProperties": 1}),
    "maxProperties": _x({**_OBJECT, "maxProperties": 1}),
    "dependentRequired": _x({**_OBJECT, "dependentRequired": {"a": ["b"]}}),
    "dependentSchemas": _x({**_OBJECT, "dependentSchemas": {"a": {"required": ["b"]}}}),
    "unevaluatedProperties": _x({**_OBJECT, "unevaluatedProperties": False}),
    "allOf": _x({"allOf": [{"type": "string"}, {"maxLength": 4}]}),
    "anyOf": _x({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    "oneOf": _x({"oneOf": [{"type": "integer"}, {"type": "boolean"}]}),
    "not": _x({"type": "integer", "not": {"const": 3}}),
    "if, then, else": _x({"type": "integer", "if": {"minimum": 5}, "then": {"maximum": 9}}),
    "$ref, $defs": _x({"$ref": "#/$defs/A"}, _defines({})),
    "$anchor": _x({"$ref": "#a"}, _defines({"$anchor": "a"})),
    "$dynamicRef": _x({"$dynamicRef": "#a"}, _defines({"$dynamicAnchor": "a"})),
    "$id": _x({"$ref": "a"}, {"$id": "https://x.example/s", **_defines({"$id": "a"})}),
    "oneOf of objects, at the root": {
        "oneOf": [
            {"type": "object", "properties": {"k": {"const": kind}, "x": x}, "required": ["k", "x"]}
            for kind, x in (("a", _STRING), ("b", _INTEGER))
        ]
    },
}
