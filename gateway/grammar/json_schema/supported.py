"""Which values of keywords llguidance supports: others are rejected, or compile without end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite, lcm

from gateway.chat.json import Json

MAX_STATES = 100_000  # of the automaton for all `multipleOf` in a schema
MAX_DECIMALS = 9
MAX_CONSTANT = 10_000  # characters; llguidance expands a constant in one step, here of 20 ms
MIN_BOUND, MAX_BOUND = 1e-30, 1e18  # of the numbers at which a range may end
MAX_COUNT = 2**32 - 1
# Characters of a string. A lexer has up to ten states for each, and `MAX_LEXER_STATES` in all; that
# it can get to the end of a longer one takes llguidance too long to find out.
MAX_LENGTHS = {"maxLength": 4000, "minLength": 2000}
MAX_REPETITION = 2000  # in a pattern


# Arrays, objects and what is in them, in the values of an `enum`: they compile in two seconds.
MAX_PARTS = 15_000


class Multiples:
    """The values of `multipleOf` in a schema, whose automata are multiplied with each other.

    >>> multiples = Multiples()
    >>> [multiples.add(step) for step in (0.01, 0.01, 7, 123456789)]
    [True, True, True, False]
    """

    def __init__(self) -> None:
        self._states = 1
        self._decimals = 0

    def add(self, step: float) -> bool:
        """Whether `step` can be enforced together with those that were added before."""
        if not 0 < step < MAX_STATES:
            return False
        decimals = 0
        while step != int(step) and decimals < MAX_DECIMALS:
            step, decimals = step * 10, decimals + 1
        most = max(decimals, self._decimals)
        before = self._states * 10 ** (most - self._decimals)
        states = lcm(before, int(step) * 10 ** (most - decimals))
        if step != int(step) or states > MAX_STATES:
            return False
        self._states, self._decimals = states, most
        return True


def is_constant(value: Json) -> bool:
    """Whether llguidance can read `value` in `const` or `enum`, and a model can write it."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return False
    return all(map(isfinite, _numbers(value))) and all(
        len(text) <= MAX_CONSTANT for text in _texts(value)
    )


def are_constants_few(values: list[Json]) -> bool:
    """Whether `values` have few enough arrays and objects to be compiled."""
    parts = 0
    waiting: list[Json] = [value for value in values if isinstance(value, list | dict)]
    while waiting and parts <= MAX_PARTS:
        value = waiting.pop()
        parts += 1
        if isinstance(value, list | dict):
            waiting += value.values() if isinstance(value, dict) else value
    return parts <= MAX_PARTS


def is_bound(bound: Json) -> bool:
    """Whether llguidance supports a range that ends at `bound`; draft 4 has booleans here."""
    if not isinstance(bound, int | float):
        return False
    return isinstance(bound, bool) or bound == 0 or MIN_BOUND <= abs(bound) <= MAX_BOUND


def to_count(value: Json, limit: int) -> int | None:
    """A length or a number of items as an integer, if it is below `limit`; 2.0 is one."""
    if isinstance(value, int | float) and 0 <= value <= limit:
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
