"""Checks a body against the configured limits, before anything reads its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.chat.json import Json
from gateway.config.limits import MAX_DEPTH, Limits
from gateway.errors import BadRequest


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
            if isinstance(outer, dict | list)
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
