"""Compares values, and checks whether a text states a value."""

from __future__ import annotations

import re

from gateway.chat.json import Json

GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")


def same(one: Json, other: Json) -> bool:
    """Equal as JSON: 2 is 2.0, but neither true nor "2"."""
    match one, other:
        case (bool(), _) | (_, bool()):
            return one is other
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
    return one == other


def alike(one: Json, other: Json) -> bool:
    """Equal except for case, white space and final punctuation."""
    return same(_loose(one), _loose(other))


def states(text: str, value: str) -> bool:
    """Whether `text` contains `value` literally; numbers may have thousands separators."""
    return bool(re.search(_whole(_ungrouped(value)), _ungrouped(text)))


def mentions(text: str, value: str) -> bool:
    """Like `states`, ignoring case and white space."""
    return states(" ".join(text.casefold().split()), " ".join(value.casefold().split()))


def _loose(value: Json) -> Json:
    match value:
        case str():
            return " ".join(value.casefold().split()).strip(".!?")
        case list():
            return [_loose(item) for item in value]
        case dict():
            return {key: _loose(item) for key, item in value.items()}
    return value


def _ungrouped(text: str) -> str:
    """`12,345.6` -> `12345.6`."""
    return GROUPED.sub(lambda found: found[0].replace(",", ""), text)


def _whole(value: str) -> str:
    """A pattern for `value` where it is not part of a longer number or word."""
    if re.fullmatch(r"-?\d+(\.\d+)?", value):
        return rf"(?<![\d.])(?<!(?<!\w)-){re.escape(value)}(?!\.?\d)"
    before = r"(?<!\w)" if value[:1].isalnum() else ""
    after = r"(?!\w)" if value[-1:].isalnum() else ""
    return f"{before}{re.escape(value)}{after}"
