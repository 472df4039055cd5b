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
    """Whether there are more than `most` strings in JSON, and `marks` outside of these."""
    if sum(text.count(mark) for mark in (*marks, b'"')) <= most:
        return False  # not even with those that are within strings
    return _structure(text, most, marks) > most


def _structure(text: bytes, most: int, marks: Sequence[bytes]) -> int:
    """How many strings begin in JSON, and `marks` are outside of these, counted up to `most`."""
    count = at = 0
    while count <= most:
        quote = text.find(b'"', at)
        end = len(text) if quote < 0 else quote
        count += sum(text.count(mark, at, end) for mark in marks)
        if quote < 0:
            break
        count += 1
        at = _string_end(text, quote + 1)
    return count


def _string_end(text: bytes, at: int) -> int:
    """The index after the quote that ends the string in which `at` is."""
    while (quote := text.find(b'"', at)) >= 0:
        before = quote
        while before > at and text[before - 1] == ord("\\"):
            before -= 1
        at = quote + 1
        if (quote - before) % 2 == 0:  # the backslashes before it escape each other
            return at
    return len(text)


_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][\da-fA-F]{2})|.)"
)


def _reject(constant: str) -> Json:
    raise ValueError(f"{constant} is not JSON")
