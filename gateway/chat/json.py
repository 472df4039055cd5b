"""JSON values, as types and read from text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Object: TypeAlias = "dict[str, Json]"


def parse_json(text: str) -> Json:
    """Parses JSON as RFC 8259 defines it; raises ValueError, also for `NaN` and `Infinity`."""
    value: Json = json.loads(text, parse_constant=_reject)
    return value


def without_lone_surrogates(text: str) -> tuple[str, int]:
    r"""JSON in which each escaped lone surrogate is U+FFFD instead, and how many there were.

    JavaScript writes them when it cuts a text within a character outside the BMP.

    >>> without_lone_surrogates(r'["\ud83d", "\ud83d\ude00"]')
    ('["\\ufffd", "\\ud83d\\ude00"]', 1)
    """
    found = 0

    def replaced(escape: re.Match[str]) -> str:
        nonlocal found
        found += bool(escape["lone"])
        return r"\ufffd" if escape["lone"] else escape.group()

    return _ESCAPE.sub(replaced, text), found


def json_text(value: object) -> str:
    """Writes a JSON value as text, without spaces.

    >>> json_text({"a": [1, None]})
    '{"a":[1,null]}'
    """
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(value)


def has_more_structure(text: bytes, most: int, marks: Sequence[bytes] = (b"[", b"{")) -> bool:
    """Whether there are more than `most` strings in JSON, and `marks` outside of these.

    Only C code reads the text, a few milliseconds for 8 MB: a loop would take a hundred.
    """
    if sum(map(text.count, marks)) + (text.count(b'"') + 1) // 2 <= most:
        return False  # not even with those that are within strings
    unescaped = text.replace(rb"\\", b"").replace(rb"\"", b"")
    parts = unescaped.split(b'"', 2 * most + 1)
    strings, outside = len(parts) // 2, b"".join(parts[::2])
    return strings + sum(map(outside.count, marks)) > most


_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][\da-fA-F]{2})|.)"
)


def _reject(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")
