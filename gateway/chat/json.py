"""JSON values, as types and read from text."""

from __future__ import annotations

import json
from typing import TypeAlias

import msgspec

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Object: TypeAlias = "dict[str, Json]"


def parse_json(text: str) -> Json:
    """Parses JSON as RFC 8259 defines it; raises ValueError, also for `NaN` and `Infinity`."""
    value: Json = json.loads(text, parse_constant=_reject)
    return value


def json_text(value: object) -> str:
    """Writes a JSON value as text, without spaces.

    >>> json_text({"a": [1, None]})
    '{"a":[1,null]}'
    """
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(value)


def _reject(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")
