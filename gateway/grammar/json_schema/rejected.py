"""What llguidance says against a schema -> the schema without what it means.

A last resort: what is known to be too much has been left out before.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.chat.json import Json, Object
from gateway.grammar.json_schema.relax import Place
from gateway.grammar.json_schema.rust_regex import spelled
from gateway.schema.refs import NAMED, VALUES, pointer_step

# What llguidance has been seen to refuse, or may in another version.
_RISKY = (
    *("pattern", "patternProperties", "format", "multipleOf", "$ref"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    *("allOf", "anyOf", "oneOf", "prefixItems", "additionalItems", "additionalProperties"),
)
_MEANT = {
    "min/maxProperties": ("minProperties", "maxProperties"),
    "patternProperty": ("patternProperties",),
    "regex": ("pattern", "patternProperties"),
    "lookaround": ("pattern", "patternProperties"),
    "multiple of": ("multipleOf",),
    "circular references": ("$ref",),
    "range": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "is greater than": ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"),
    "intersection": ("allOf",),
    "oneOf": ("oneOf",),
}
_OBJECTS = ("patternProperties", "allOf", "anyOf", "oneOf", "$ref", "additionalProperties")

_Picks = Callable[[Object, str, str], bool]


def yielding(schema: Object, reason: str) -> tuple[Object, list[Place]]:
    """`schema` without what `reason` is about, or all that is risky, or anything: an object."""
    for picks in (_meant(reason), _below(reason), lambda _, key, at: key in _RISKY):
        places: list[Place] = []
        rest = _without(schema, picks, "#", places)
        if places and isinstance(rest, dict):
            return rest, places
    return {"type": "object"}, [Place("#", key) for key in schema if key != "type"]


def _meant(reason: str) -> _Picks:
    told = reason.partition("\n")[0]
    said = set(re.findall(r"""["']([$\w]+)["']""", told))
    keywords = {key for words, keys in _MEANT.items() if words in told for key in keys}
    keywords |= said & set(_RISKY)

    def picks(node: Object, key: str, at: str) -> bool:
        if key not in keywords:
            return False
        if key == "$ref":
            return len(node) > 1
        value = node[key]
        if key == "pattern" and isinstance(value, str):
            return value in reason or (spelled(value) or value) in reason
        return True

    return picks


def _below(reason: str) -> _Picks:
    """All that is risky in the property that can't be written."""
    named = re.search("required property '(.+)' is unsatisfiable", reason)
    step_in = f"/properties/{pointer_step(named.group(1))}/" if named else None
    return lambda _, key, at: key in _RISKY and step_in is not None and step_in in f"{at}/"


def _without(schema: Json, picks: _Picks, at: str, places: list[Place]) -> Json:
    if isinstance(schema, list):
        return [_without(one, picks, f"{at}/{i}", places) for i, one in enumerate(schema)]
    if not isinstance(schema, dict):
        return schema
    result: Object = {}
    for key, value in schema.items():
        if key in VALUES:
            result[key] = value
        elif value is not True and picks(schema, key, at):
            places.append(Place(at, key))
            if key in _OBJECTS:
                result["additionalProperties"] = True
        elif key in NAMED and isinstance(value, dict):
            result[key] = {
                name: _without(one, picks, f"{at}/{key}/{pointer_step(name)}", places)
                for name, one in value.items()
            }
        elif key != "additionalProperties" or key not in result:
            result[key] = _without(value, picks, f"{at}/{key}", places)
    return result
