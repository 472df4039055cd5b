"""Whether `oneOf` can be written as `anyOf`: no value is valid under two of its branches."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TypeAlias

from gateway.chat.json import Json, Object
from gateway.schema.access import properties, required
from gateway.schema.refs import find
from gateway.schema.types import types_of

MAX_BRANCHES = 64
MAX_DEPTH = 3

IsClosed: TypeAlias = Callable[[Object], bool]


def are_disjoint(branches: Sequence[Json], root: Object, is_closed: IsClosed) -> bool:
    """Whether it is certain that no value is valid under two of `branches`.

    `root` is the schema that their references lead into. `is_closed` says whether an object takes
    only the properties that it lists.
    """
    if len(branches) > MAX_BRANCHES:
        return False
    targets = [_dereferenced(branch, root) for branch in branches]
    return all(_disjoint(one, two, root, is_closed, 0) for one, two in combinations(targets, 2))


def _disjoint(one: Json, two: Json, root: Object, is_closed: IsClosed, depth: int) -> bool:
    one, two = _dereferenced(one, root), _dereferenced(two, root)
    common = types_of(one, root) & types_of(two, root)
    if not common:
        return True
    if not (isinstance(one, dict) and isinstance(two, dict)) or depth > MAX_DEPTH:
        return False
    constants, others = _constants(one), _constants(two)
    if constants is not None and others is not None:
        return not constants & others
    if common != {"object"}:
        return False
    if _excludes(one, two, is_closed) and _excludes(two, one, is_closed):
        return True
    ours, theirs = properties(one), properties(two)
    return any(
        _disjoint(ours[key], theirs[key], root, is_closed, depth + 1)
        for key in [*required(one), *required(two)]
        if key in ours and key in theirs
    )


def _excludes(one: Object, two: Object, is_closed: IsClosed) -> bool:
    """Whether `two` requires a property that `one` does not take."""
    return is_closed(one) and any(key not in properties(one) for key in required(two))


def _dereferenced(schema: Json, root: Object) -> Json:
    """The target of `schema`, if it is nothing but a reference."""
    for _ in range(MAX_DEPTH):
        if not (isinstance(schema, dict) and isinstance(schema.get("$ref"), str)):
            break
        if len(schema) > 1:
            break
        schema = find(str(schema["$ref"]), root)
    return schema


def _constants(schema: Object) -> set[str] | None:
    """The JSON texts of the only valid values, if `schema` lists them."""
    match schema:
        case {"const": value}:
            return {_text(value)}
        case {"enum": list(values)}:
            return set(map(_text, values))
    return None


def _text(value: Json) -> str:
    """The JSON text of `value`; 1 and 1.0 are the same number."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)
