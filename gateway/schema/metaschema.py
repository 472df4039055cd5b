"""Whether something is a JSON Schema at all, and where it is not.

A validator of the metaschema takes 2 s for 1 MB of schemas, so what is plainly right is seen
without one, and what was found right is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker, SchemaError
from jsonschema.validators import validator_for

from gateway.chat.json import Json, Object
from gateway.lru import LRUCache

MOST_KEPT = 8 * 2**20  # characters of schemas

_TYPES = frozenset(("string", "number", "integer", "boolean", "object", "array", "null"))

_kept: LRUCache[bool] = LRUCache(MOST_KEPT)


def fault(schema: Object, text: str) -> tuple[str, str] | None:
    """Where `schema`, whose JSON is `text`, is none, and why; None if it is one.

    A schema that doesn't say its draft may be of any: people write draft 7 without saying so.
    """
    if _kept.get(text):
        return None
    if _is_plain(schema):
        _kept[text] = True
        return None
    drafts: list[Any] = [Draft202012Validator, Draft7Validator]
    if "$schema" in schema:
        drafts = [validator_for(schema, default=Draft202012Validator)]
    found = None
    for draft in drafts:
        try:
            # Not the formats: a pattern is right if ECMA-262 says so, and Python can't tell.
            draft.check_schema(schema, format_checker=FormatChecker(()))
        except SchemaError as error:
            pointer = "#" + "".join(f"/{step}" for step in error.absolute_path)
            found = found or (pointer, error.message)
        else:
            _kept[text] = True
            return None
    return found


def _is_plain(schema: Json) -> bool:
    """Whether every keyword has a value of the plain form that all drafts agree on."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if node is True or node is False:
            continue
        if not isinstance(node, dict):
            return False
        for key, value in node.items():
            if key in _ONE:
                waiting.append(value)
            elif key in _LISTS:
                if not isinstance(value, list) or not value:
                    return False
                waiting += value
            elif key in _NAMED:
                if not isinstance(value, dict):
                    return False
                waiting += value.values()
            elif key in _PLAIN:
                if not _PLAIN[key](value):
                    return False
            elif key in _UNSURE:
                return False
    return True


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_flag(value: Json) -> bool:
    return isinstance(value, bool)


def _are_texts(value: Json) -> bool:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return False
    return len(set(map(str, value))) == len(value)


def _is_type(value: Json) -> bool:
    if isinstance(value, list):
        return bool(value) and _are_texts(value) and _TYPES.issuperset(map(str, value))
    return isinstance(value, str) and value in _TYPES


def _is_step(value: Json) -> bool:
    return _is_number(value) and value > 0  # type: ignore[operator]


_ONE = frozenset(
    (
        *("items", "additionalItems", "unevaluatedItems", "contains", "contentSchema"),
        *("additionalProperties", "unevaluatedProperties", "propertyNames"),
        *("not", "if", "then", "else"),
    )
)
_LISTS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_NAMED = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))
_COUNTS = (
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    *("minContains", "maxContains"),
)
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_TEXTS = (
    *("title", "description", "format", "$comment", "$schema", "$ref", "pattern"),
    *("contentEncoding", "contentMediaType"),
)
_PLAIN: dict[str, Callable[[Json], bool]] = {
    **dict.fromkeys(_COUNTS, _is_count),
    **dict.fromkeys(_BOUNDS, _is_number),
    **dict.fromkeys(_TEXTS, _is_text),
    **dict.fromkeys(("uniqueItems", "readOnly", "writeOnly", "deprecated"), _is_flag),
    "type": _is_type,
    "required": _are_texts,
    "enum": lambda value: isinstance(value, list) and bool(value),
    "examples": lambda value: isinstance(value, list),
    "multipleOf": _is_step,
}
# What is rare, or has not the same form in each draft.
_UNSURE = frozenset(
    (
        *("$id", "id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$vocabulary"),
        *("$recursiveAnchor", "dependencies", "dependentRequired"),
        *("extends", "disallow", "divisibleBy"),
    )
)
