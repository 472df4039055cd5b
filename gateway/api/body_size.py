"""Checks a body against the configured limits, before anything reads its parts."""

from __future__ import annotations

from typing import Any

from gateway.chat.json import Json, has_more_structure
from gateway.config.limits import MAX_DEPTH, Limits
from gateway.errors import BadRequest

_NESTED = (dict, list)  # tested in half the time of `dict | list`


def check(body: dict[str, Any], limits: Limits) -> None:
    """Raises BadRequest for the first part of `body` that exceeds `limits`."""
    for key, value in body.items():
        if is_deep(value, limits.depth):
            raise _over_limit(key, f"nesting of more than {limits.depth} levels", "depth")
    for key, most in (("messages", limits.messages), ("tools", limits.tools)):
        found = body.get(key)
        if isinstance(found, list):
            check_count(key, len(found), most, key)


def check_structure(text: bytes, limits: Limits) -> None:
    """Raises BadRequest if the JSON in `text` has too many brackets and strings.

    That is known before it is decoded, which holds the interpreter's lock, and may take 200 MB.
    """
    most = limits.structure
    if has_more_structure(text, most):
        found = f"found more than {most} brackets and strings"
        raise BadRequest(f"the body: {found}; see `limits.structure` in models.yaml")


def check_count(where: str, found: int, most: int, limit: str) -> None:
    """Raises BadRequest if there are more than `most`, which is the limit called `limit`."""
    if found > most:
        raise _over_limit(where, f"found {found}, expected at most {most}", limit)


def is_deep(value: Json, max_depth: int = MAX_DEPTH) -> bool:
    """Whether lists and objects are nesting of more than `max_depth` deep."""
    level: list[Json] = [value]
    for _ in range(max_depth):
        level = [
            inner
            for outer in level
            if isinstance(outer, _NESTED)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def check_schema_size(where: str, size: int, limits: Limits) -> None:
    """Raises BadRequest if a schema of `size` characters of JSON is too large."""
    if size > limits.schema_kb * 1024:
        found = f"found {size} characters of JSON, expected at most {limits.schema_kb} KB"
        raise _over_limit(where, found, "schema_kb")


def _over_limit(where: str, found: str, limit: str) -> BadRequest:
    return BadRequest(f"{where}: {found}; see `limits.{limit}` in models.yaml", param=where)
