"""Whether no two schemas admit the same value: then `anyOf` says the same as `oneOf`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import combinations

from gateway.chat.json import Json, Object
from gateway.schema.refs import find
from gateway.schema.types import types_of

MOST_BRANCHES = 64
MOST_DEPTH = 3


def are_apart(branches: Sequence[Json], root: Object, is_closed: Callable[[Object], bool]) -> bool:
    """Whether at most one of `branches` can be true of a value.

    `is_closed` says whether the model can't write keys that an object doesn't list.
    """
    if len(branches) > MOST_BRANCHES:
        return False
    opened = [_opened(branch, root) for branch in branches]
    return all(_apart(one, two, root, is_closed, 0) for one, two in combinations(opened, 2))


def _apart(
    one: Json, two: Json, root: Object, is_closed: Callable[[Object], bool], depth: int
) -> bool:
    one, two = _opened(one, root), _opened(two, root)
    common = types_of(one, root) & types_of(two, root)
    if not common:
        return True
    if not (isinstance(one, dict) and isinstance(two, dict)) or depth > MOST_DEPTH:
        return False
    texts, others = _constants(one), _constants(two)
    if texts is not None and others is not None:
        return not texts & others
    if common != {"object"}:
        return False
    if _leaves_out(one, two, is_closed) and _leaves_out(two, one, is_closed):
        return True
    mine, theirs = _properties(one), _properties(two)
    return any(
        _apart(mine[key], theirs[key], root, is_closed, depth + 1)
        for key in [*_required(one), *_required(two)]
        if key in mine and key in theirs
    )


def _leaves_out(one: Object, two: Object, is_closed: Callable[[Object], bool]) -> bool:
    """Whether `two` needs a key that `one` has no place for."""
    return is_closed(one) and any(key not in _properties(one) for key in _required(two))


def _opened(schema: Json, root: Object) -> Json:
    """What `schema` refers to, if it only refers."""
    for _ in range(MOST_DEPTH):
        if not (isinstance(schema, dict) and isinstance(schema.get("$ref"), str)):
            break
        if len(schema) > 1:
            break
        schema = find(str(schema["$ref"]), root)
    return schema


def _constants(schema: Object) -> set[str] | None:
    match schema:
        case {"const": value}:
            return {_text(value)}
        case {"enum": list(values)}:
            return set(map(_text, values))
    return None


def _text(value: Json) -> str:
    """1 and 1.0 are the same number."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True)


def _properties(schema: Object) -> Object:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _required(schema: Object) -> list[str]:
    required = schema.get("required")
    return list(map(str, required)) if isinstance(required, list) else []
