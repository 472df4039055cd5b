"""Bounds the work of validating a value against a schema that a client wrote.

jsonschema-rs matches patterns in linear time or within a backtracking limit, but it has no limit on
its work as a whole: definitions that each refer twice to the next one take exponential time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import isfinite

from gateway.chat.json import Json, Object
from gateway.schema.refs import find
from gateway.schema.regex import compile_cost, may_backtrack

MAX_STEPS = 100_000  # schemas applied to values, in one validation
MAX_BACKTRACKS = 20_000  # of one match, which take 0.2 ms
BACKTRACKING_STEPS = 20  # of a match that may backtrack
CHARACTERS_A_STEP = 256  # that a pattern is matched against
SCALARS_A_STEP = 16  # that a scalar is compared with
ERRORS_A_STEP = 8  # values that are copied into the error of a branch

MAX_COMPILE_COST = 400_000  # of all patterns in a schema: 30 ms
MAX_REFERENCES = 2_000  # in one schema; compiling so many takes 40 ms


class UncheckedSchema(Exception):
    """A value can't be validated against a schema; the message says why."""


def limit_compilation(schema: Object) -> None:
    """Raises UncheckedSchema if it takes too long to compile `schema`."""
    cost, references = 0, 0
    waiting: list[Json] = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        if not isinstance(node, dict):
            continue
        waiting += node.values()
        references += "$ref" in node
        cost += sum(map(compile_cost, _patterns(node)))
        if cost > MAX_COMPILE_COST:
            raise UncheckedSchema("its patterns take too long to compile")
        if references > MAX_REFERENCES:
            raise UncheckedSchema(f"it has more than {MAX_REFERENCES} references")


def limit_validation(schema: Json, value: Json) -> None:
    """Raises UncheckedSchema if validating `value` takes more than `MAX_STEPS` steps.

    Also if it has a number beyond the range of a float, which jsonschema-rs takes for null.
    """
    root = schema if isinstance(schema, dict) else {}
    steps, waiting = 0, [(schema, value)]
    while waiting:
        schema, value = waiting.pop()
        steps += 1
        if isinstance(value, float) and not isfinite(value):
            raise UncheckedSchema("a number in the value is too large")
        if not isinstance(schema, dict):
            continue
        steps += _own_steps(schema, value)
        waiting += islice(_applied(schema, value, root), max(0, MAX_STEPS - steps) + 1)
        if steps + len(waiting) > MAX_STEPS:
            raise UncheckedSchema(f"it takes more than {MAX_STEPS} steps")


def _patterns(schema: Object) -> Iterator[str]:
    pattern, named = schema.get("pattern"), schema.get("patternProperties")
    if isinstance(pattern, str):
        yield pattern
    if isinstance(named, dict):
        yield from named


def _own_steps(schema: Object, value: Json) -> int:
    """The steps of the keywords that apply no other schema, and of the errors of those that do."""
    steps = 0
    for key, inner in schema.items():
        match key, inner, value:
            case "enum", list(), _:
                is_scalar = not isinstance(value, list | dict)
                steps += len(inner) // (SCALARS_A_STEP if is_scalar else 1)
            case "anyOf" | "oneOf", list(), list() | dict():
                steps += len(inner) * _size(value) // ERRORS_A_STEP
            case "pattern", str(), str():
                steps += _match_steps(inner, value)
            case "patternProperties", dict(), dict():
                steps += sum(_match_steps(pattern, name) for pattern in inner for name in value)
    return steps


def _match_steps(pattern: str, text: str) -> int:
    own = BACKTRACKING_STEPS if may_backtrack(pattern) else 1
    return own + len(text) // CHARACTERS_A_STEP


def _size(value: Json) -> int:
    """How many values are in `value`, counted up to `MAX_STEPS`."""
    count, waiting = 0, [value]
    while waiting and count < MAX_STEPS:
        node = waiting.pop()
        count += 1
        waiting += node if isinstance(node, list) else ()
        waiting += node.values() if isinstance(node, dict) else ()
    return count


def _applied(schema: Object, value: Json, root: Object) -> Iterator[tuple[Json, Json]]:
    """The schemas that `schema` applies, each with the value that it is applied to."""
    for key, inner in schema.items():
        match key, inner, value:
            case "$ref" | "$dynamicRef" | "$recursiveRef", str(reference), _:
                yield find(reference, root), value
            case "allOf" | "anyOf" | "oneOf", list(), _:
                yield from ((one, value) for one in inner)
            case "not" | "if" | "then" | "else", _, _:
                yield inner, value
            case "dependentSchemas" | "dependencies", dict(), dict():
                yield from ((one, value) for one in inner.values())
            case "properties", dict(), dict():
                yield from ((inner[name], one) for name, one in value.items() if name in inner)
            case "patternProperties", dict(), dict():
                yield from ((one, item) for one in inner.values() for item in value.values())
            case "additionalProperties" | "unevaluatedProperties", _, dict():
                yield from ((inner, one) for one in value.values())
            case "propertyNames", _, dict():
                yield from ((inner, name) for name in value)
            case "prefixItems" | "items", list(), list():
                yield from zip(inner, value, strict=False)
            case "items" | "additionalItems" | "unevaluatedItems" | "contains", _, list():
                yield from ((inner, one) for one in value)
