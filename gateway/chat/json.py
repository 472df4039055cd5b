"""JSON values, as types and read from text."""

from __future__ import annotations

import json
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Object: TypeAlias = "dict[str, Json]"


def parse_json(text: str) -> Json:
    """Parses JSON as RFC 8259 defines it; raises ValueError, also for `NaN` and `Infinity`."""
    value: Json = json.loads(text, parse_constant=_reject)
    return value


def _reject(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")
