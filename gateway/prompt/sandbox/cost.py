"""Security: what it costs to look at a value, paid before an operation that can't be stopped."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.utils import Namespace

from gateway.prompt.sandbox.budget import CHARACTER, ITEM, BudgetExceeded, spend

SMALL = 64  # characters or items; the cost of a step includes so many
MAX_VALUES = 2**22  # in one value

SINGLE = frozenset((int, float, bool, type(None)))
_SIZED = (str, list, tuple, dict, range)
_VIEWS = (KeysView, ValuesView, ItemsView)


def spend_deep(*values: Any) -> None:
    """Pays for writing, comparing or hashing `values` with everything in them.

    A value that occurs twice counts twice: lists of two lists of two lists and so on take little
    memory, but their text is huge.
    """
    cost = 0
    waiting = [*values]
    for one in waiting:  # the list grows meanwhile
        kind = type(one)
        if kind is str:
            cost += CHARACTER * len(one)
        elif kind is dict or kind is list or kind is tuple or isinstance(one, _VIEWS):
            cost += ITEM * len(one)
            if len(waiting) + len(one) > MAX_VALUES:
                raise BudgetExceeded("its values are too large")
            waiting += one.values() if kind is dict else one
            cost += CHARACTER * _key_length(one, waiting) if kind is dict else 0
        elif kind not in SINGLE:
            cost += _other(one)
    if cost > SMALL:
        spend(cost)


def _key_length(values: dict[Any, Any], waiting: list[Any]) -> int:
    """The number of characters in all keys; keys that are not text are added to `waiting`."""
    try:
        return sum(map(len, values))
    except TypeError:
        waiting += values
        return 0


def _other(value: Any) -> int:
    if isinstance(value, Namespace):
        raise SecurityError("a namespace is not a value")
    return CHARACTER * len(value) if isinstance(value, str) else 0


def spend_length(value: Any, each: int = ITEM) -> None:
    """Pays for iterating over `value` once."""
    if isinstance(value, _SIZED):
        size = len(value)
        if size > SMALL:
            spend(size * (CHARACTER if isinstance(value, str) else each))


def spend_new(value: Any) -> Any:
    """Pays for a new `value`, which takes memory; returns it."""
    kind = type(value)
    if kind is str:
        if len(value) > SMALL:
            spend(CHARACTER * len(value))
    elif kind is list or kind is dict or kind is tuple:
        spend_length(value)
    elif kind not in SINGLE and isinstance(value, Iterator):
        return spend_each(value)
    return value


def spend_each(values: Iterable[Any], each: int = ITEM) -> Iterator[Any]:
    """Pays for each of `values` when it is requested."""
    for value in values:
        spend(each)
        yield value


def materialized(value: Any) -> Any:
    """`value` as something whose cost is known: an iterator becomes a list."""
    if type(value) is str or isinstance(value, list | dict) or not isinstance(value, Iterator):
        return value
    return [*spend_each(value)]


def is_small(values: Iterable[Any]) -> bool:
    """Whether `values` are short texts, which the cost of a step includes."""
    for value in values:  # noqa: SIM110 - a generator is slower
        if type(value) is not str or len(value) > SMALL:
            return False
    return True
