"""What a value costs to look through, before anything does that which can't be stopped."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.utils import Namespace

from gateway.prompt.sandbox.budget import CHARACTER, ITEM, Exhausted, spend

SMALL = 64  # characters or items: no more than what each step is counted for
MOST_WAITING = 2**22  # values in values

SINGLE = frozenset((int, float, bool, type(None)))
_SIZED = (str, list, tuple, dict, range)
_VIEWS = (KeysView, ValuesView, ItemsView)


def weigh(*values: Any) -> None:
    """Spend what it costs to write, to compare or to hash `values` with all that is in them.

    What is in two places counts twice: a list of two lists of two lists and so on is small in
    memory, and its text has no end.
    """
    cost = 0
    waiting = [*values]
    for one in waiting:  # which grows
        kind = type(one)
        if kind is str:
            cost += CHARACTER * len(one)
        elif kind is dict or kind is list or kind is tuple or isinstance(one, _VIEWS):
            cost += ITEM * len(one)
            if len(waiting) + len(one) > MOST_WAITING:
                raise Exhausted("its values are too large")
            waiting += one.values() if kind is dict else one
            cost += CHARACTER * _keys(one, waiting) if kind is dict else 0
        elif kind not in SINGLE:
            cost += _other(one)
    if cost > SMALL:
        spend(cost)


def _keys(values: dict[Any, Any], waiting: list[Any]) -> int:
    """The characters of all keys, if they are texts."""
    try:
        return sum(map(len, values))
    except TypeError:
        waiting += values
        return 0


def _other(value: Any) -> int:
    if isinstance(value, Namespace):
        raise SecurityError("a namespace is no value")
    return CHARACTER * len(value) if isinstance(value, str) else 0


def count(value: Any, each: int = ITEM) -> None:
    """Spend what it costs to go through `value` once."""
    if isinstance(value, _SIZED):
        size = len(value)
        if size > SMALL:
            spend(size * (CHARACTER if isinstance(value, str) else each))


def made(value: Any) -> Any:
    """`value`, which is new and takes memory."""
    kind = type(value)
    if kind is str:
        if len(value) > SMALL:
            spend(CHARACTER * len(value))
    elif kind is list or kind is dict or kind is tuple:
        count(value)
    elif kind not in SINGLE and isinstance(value, Iterator):
        return counted(value)
    return value


def counted(values: Iterable[Any], each: int = ITEM) -> Iterator[Any]:
    """`values`, each of them counted when somebody asks for it."""
    for value in values:
        spend(each)
        yield value


def at_hand(value: Any) -> Any:
    """`value`, of which all can be weighed: a list, if it would be made on the way."""
    if type(value) is str or isinstance(value, list | dict) or not isinstance(value, Iterator):
        return value
    return [*counted(value)]


def is_small(values: Iterable[Any]) -> bool:
    """Whether `values` are short texts, which cost no more than the step that uses them."""
    for value in values:  # noqa: SIM110 - a generator is slower
        if type(value) is not str or len(value) > SMALL:
            return False
    return True
