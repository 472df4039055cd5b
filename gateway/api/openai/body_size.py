"""Whether a body is of a size that is taken, before anything reads its parts."""

from __future__ import annotations

from typing import Any

from gateway.chat.json import Json
from gateway.config.limits import MAX_DEPTH, Limits
from gateway.errors import BadRequest


def check(body: dict[str, Any], limits: Limits) -> None:
    """Raise BadRequest for the first part of `body` that is beyond `limits`."""
    for key, value in body.items():
        if is_deep(value, limits.depth):
            raise _refusal(key, f"nested more than {limits.depth} deep", "depth")
    for key, most in (("messages", limits.messages), ("tools", limits.tools)):
        found = body.get(key)
        if isinstance(found, list) and len(found) > most:
            raise _refusal(key, f"found {len(found)}, expected at most {most}", key)


def is_deep(value: Json, most: int = MAX_DEPTH) -> bool:
    """Whether lists and objects are nested deeper than `most`."""
    level: list[Json] = [value]
    for _ in range(most):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def check_schema_size(where: str, size: int, limits: Limits) -> None:
    """Raises BadRequest if a schema of `size` characters of JSON is too large."""
    if size > limits.schema_kb * 1024:
        told = f"found {size} characters of JSON, expected at most {limits.schema_kb} KB"
        raise _refusal(where, told, "schema_kb")


def _refusal(where: str, told: str, limit: str) -> BadRequest:
    return BadRequest(f"{where}: {told}; `limits.{limit}` in models.yaml says so", param=where)
