"""Merges the keywords of schemas that apply to the same value."""

from __future__ import annotations

from collections.abc import Callable

from gateway.chat.json import Json, Object
from gateway.schema.access import as_list, as_number, as_object
from gateway.schema.types import types_of


def own_keywords(schema: Object) -> Object:
    """The keywords of `schema` but for those that combine schemas.

    `type` is a list and `const` an `enum`, as `merged` needs them.
    """
    own = {key: schema[key] for key in schema if key not in _COMBINED}
    if "type" in own:
        own["type"] = [*sorted(types_of({"type": own["type"]}))]
    if "const" in own:
        own["enum"] = [own.pop("const")]
    return own


def merged(one: Object, other: Object) -> Object:
    """The keywords of a schema under which a value is valid if it is under both.

    Of two values of a keyword that can't be merged, the second is kept.
    """
    result = {**one, **other}
    for key in one.keys() & other.keys():
        if key in _MERGE:
            result[key] = _MERGE[key](one[key], other[key])
    return result


def _in_both(one: Json, other: Json) -> Json:
    return [value for value in as_list(one) if value in as_list(other)]


def _in_either(one: Json, other: Json) -> Json:
    return [*as_list(one), *(value for value in as_list(other) if value not in as_list(one))]


def _all_of(one: Json, other: Json) -> Json:
    branches = as_list(_in_either(_branches(one), _branches(other)))
    return branches[0] if len(branches) == 1 else {"allOf": branches}


def _branches(schema: Json) -> list[Json]:
    if isinstance(schema, dict) and [*schema] == ["allOf"]:
        return as_list(schema["allOf"])
    return [schema]


def _of_each(one: Json, other: Json) -> Json:
    ones, others = as_object(one), as_object(other)
    shared = {key: _all_of(ones[key], others[key]) for key in ones if key in others}
    return {**ones, **others, **shared}


def _smaller(one: Json, other: Json) -> Json:
    return min(as_number(one), as_number(other))


def _larger(one: Json, other: Json) -> Json:
    return max(as_number(one), as_number(other))


_COMBINED = ("$ref", "allOf", "anyOf", "oneOf", "$defs", "definitions")
_MERGE: dict[str, Callable[[Json, Json], Json]] = {
    **dict.fromkeys(("type", "enum"), _in_both),
    "required": _in_either,
    "properties": _of_each,
    **dict.fromkeys(("items", "additionalProperties", "unevaluatedProperties"), _all_of),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems"), _larger),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems"), _smaller),
}
