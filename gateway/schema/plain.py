"""JSON Schemas that are cheap by their form, as those of most tools are."""

from __future__ import annotations

from gateway.chat.json import Json, Object

MAX_PLAIN_VALUES = 5000  # in all schemas of a request; llguidance compiles them in 0.2 s
# Of `maxLength` and the like, and of properties: longer ones are large automata, and the time of
# optional properties grows with their square.
MAX_PLAIN_COUNT = 256
AUTOMATON = 15  # values that a format or a length counts as

_ANNOTATIONS = frozenset(
    (
        *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"),
        *("nullable", "required", "additionalProperties", "format", "const", "enum", "$schema"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    )
)
_COUNTS = frozenset(("minLength", "maxLength", "minItems", "maxItems"))


def plain_values(schema: Json, most: int) -> int | None:
    """The number of JSON values in a plain `schema`; None if it is not plain, or has over `most`.

    A format or a length counts as `AUTOMATON` more. A plain schema has types, properties, items,
    alternatives, constants and bounds; no patterns, references, conditions, or schemas of
    properties that it does not list.
    """
    found = 0
    waiting: list[Json] = [schema]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            return None
        inner = _subschemas(node)
        if inner is None:
            return None
        found += 1 + _own_values(node, most)
        if found + len(waiting) + len(inner) > most:
            return None
        waiting += inner
    return found


def _subschemas(schema: Object) -> list[Json] | None:
    """The subschemas of `schema` itself; None if it is not plain."""
    inner: list[Json] = []
    for key, value in schema.items():
        match key, value:
            case "type", str():
                continue
            case "type", list() if all(isinstance(type, str) for type in value):
                continue
            case "properties", dict() if len(value) <= MAX_PLAIN_COUNT:
                inner += value.values()
            case "items", dict():
                inner.append(value)
            case "anyOf", list():
                inner += value
            case "additionalProperties", dict() if value:
                return None
            case _, int() if key in _COUNTS and value <= MAX_PLAIN_COUNT:
                continue
            case _ if key in _ANNOTATIONS:
                continue
            case _:
                return None
    return inner


def _own_values(schema: Object, most: int) -> int:
    """The number of JSON values in `schema` but for its subschemas, counted up to `most`."""
    waiting = [value for key, value in schema.items() if key not in _OF_SUBSCHEMAS]
    count = len(schema) + AUTOMATON * sum(key in schema for key in _AUTOMATA)
    while waiting and count <= most:
        node = waiting.pop()
        if isinstance(node, list | dict):
            count += len(node)
            waiting += node if isinstance(node, list) else node.values()
    return count


_AUTOMATA = ("format", "minLength", "maxLength")
_OF_SUBSCHEMAS = ("properties", "items", "anyOf")
