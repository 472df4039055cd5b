"""What llguidance can't be asked for: values that it refuses, or would work at for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite, lcm

from gateway.chat.json import Json

# The formats that llguidance knows, and those that JSON Schema defines beside them. Any other is
# an annotation (JSON Schema 2020-12, 7.2.3).
FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")
)
OTHER_FORMATS = frozenset(
    (
        *("idn-email", "idn-hostname", "uri-reference", "iri", "iri-reference", "uri-template"),
        *("json-pointer", "relative-json-pointer", "regex"),
    )
)

MOST_STATES = 100_000  # of the automaton for all multiples in a schema
MOST_DECIMALS = 9
MOST_WRITTEN = 10_000  # characters of a constant; llguidance writes it out in one step of 20 ms
LEAST, MOST = 1e-30, 1e18  # of the numbers that a range can be written for
MOST_COUNTED = 2**32


class Multiples:
    """The steps of a schema's numbers; together they must not need too large an automaton.

    >>> multiples = Multiples()
    >>> [multiples.take(step) for step in (0.01, 0.01, 7, 123456789)]
    [True, True, True, False]
    """

    def __init__(self) -> None:
        self._states = 1
        self._decimals = 0

    def take(self, step: float) -> bool:
        """Whether `step` can be held beside those before."""
        if not 0 < step < MOST_STATES:
            return False
        decimals = 0
        while step != int(step) and decimals < MOST_DECIMALS:
            step, decimals = step * 10, decimals + 1
        most = max(decimals, self._decimals)
        before = self._states * 10 ** (most - self._decimals)
        states = lcm(before, int(step) * 10 ** (most - decimals))
        if step != int(step) or states > MOST_STATES:
            return False
        self._states, self._decimals = states, most
        return True


def is_plain(value: Json) -> bool:
    """Whether a model can write `value`, and llguidance read it."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return False
    return all(map(isfinite, _numbers(value))) and all(
        len(text) <= MOST_WRITTEN for text in _texts(value)
    )


def is_in_range(bound: Json) -> bool:
    """Whether llguidance can write a range that ends at `bound`; draft 4 has booleans here."""
    if not isinstance(bound, int | float):
        return False
    return isinstance(bound, bool) or bound == 0 or LEAST <= abs(bound) <= MOST


def count(value: Json) -> int | None:
    """A length, if it is one that llguidance can count to; 2.0 is one."""
    if isinstance(value, int | float) and 0 <= value < MOST_COUNTED:
        return int(value)
    return None


def _texts(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for inner in value:
                yield from _texts(inner)
        case dict():
            yield from value
            for inner in value.values():
                yield from _texts(inner)


def _numbers(value: Json) -> Iterator[float]:
    match value:
        case int() | float():
            try:
                yield float(value)
            except OverflowError:
                yield float("inf")
        case list() | dict():
            for inner in value.values() if isinstance(value, dict) else value:
                yield from _numbers(inner)
