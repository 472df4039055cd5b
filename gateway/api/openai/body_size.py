"""Whether a body is of a size that is taken, before anything reads its parts."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.chat.json import Json
from gateway.config.limits import MOST_DEPTH, Limits
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
    tools = body.get("tools")
    for i, tool in enumerate(tools if isinstance(tools, list) else ()):
        _check_schema(f"tools.{i}", tool, limits)
    _check_schema("response_format", body.get("response_format"), limits)


def is_deep(value: Json, most: int = MOST_DEPTH) -> bool:
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


def _check_schema(where: str, holder: Any, limits: Limits) -> None:
    size = len(msgspec.json.encode(holder))
    if size > limits.schema_kb * 1024:
        told = f"found {size} bytes of JSON, expected at most {limits.schema_kb} KB"
        raise _refusal(where, told, "schema_kb")


def _refusal(where: str, told: str, limit: str) -> BadRequest:
    return BadRequest(f"{where}: {told}; `limits.{limit}` in models.yaml says so", param=where)
