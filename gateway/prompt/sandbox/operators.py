"""Operators and methods that can make much of little, and what they cost."""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Sequence
from typing import Any

from gateway.prompt.sandbox.budget import CHARACTER, ITEM, Exhausted, spend
from gateway.prompt.sandbox.cost import count, is_small, made, weigh

MOST_BITS = 2**12  # of a whole number

# The methods that a template may ask for, by the type of what has them.
METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        (
            *("startswith", "endswith", "removeprefix", "removesuffix", "strip", "lstrip"),
            *("rstrip", "split", "rsplit", "splitlines", "partition", "rpartition", "find"),
            *("rfind", "index", "rindex", "count", "replace", "join", "upper", "lower", "title"),
            *("capitalize", "casefold", "swapcase", "isalpha", "isdigit", "isnumeric"),
            *("isdecimal", "isalnum", "isspace", "isupper", "islower", "istitle", "isascii"),
            *("isidentifier", "format", "format_map"),
        )
    ),
    dict: frozenset(("get", "items", "keys", "values", "copy")),
    list: frozenset(("append", "pop", "index", "count", "copy")),
    tuple: frozenset(("index", "count")),
    int: frozenset(),
    float: frozenset(("is_integer",)),
}

# What looks at each character once for each one of its argument.
_SLOW = frozenset(("strip", "lstrip", "rstrip", "rfind", "rindex", "rsplit", "rpartition"))
_MAKING = frozenset(("join", "replace"))
_DEEP = frozenset(("index", "count"))


def add(left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        count(left)
        count(right)
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
        spend(ITEM * (len(left) + len(right)))
    else:
        _whole(left, right)
    return left + right


def multiply(left: Any, right: Any) -> Any:
    for one, times in ((left, right), (right, left)):
        if isinstance(one, str | list | tuple) and isinstance(times, int):
            _repeat(one, times)
    _whole(left, right)
    return left * right


def power(left: Any, right: Any) -> Any:
    _whole(left, right)
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        _see_bits(left.bit_length() * right)
    return left**right


def remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        see_format(left, right)
        return made(left % right)
    _whole(left, right)
    return left % right


def _plain(operator: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def plain(left: Any, right: Any) -> Any:
        _whole(left, right)
        return operator(left, right)

    return plain


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": _plain(operators.sub),
    "*": multiply,
    "/": _plain(operators.truediv),
    "//": _plain(operators.floordiv),
    "**": power,
    "%": remainder,
}


def see_format(text: str, *values: Any) -> None:
    """Count what `text` makes of `values`, be it in the form of `%` or of `format`."""
    if re.search(r"%[-#0 +.\d]*\*", text) or re.search(r"\{[^{}]*\{", text.replace("{{", "")):
        raise Exhausted("a width is a value")
    count(text)
    weigh(*values)
    for digits in re.findall(r"\d+", text):
        spend(CHARACTER * int(digits))


def see_method(name: str, owner: Any, given: Sequence[Any]) -> None:
    """Count what a method of a text, a list or an object is about to do."""
    if isinstance(owner, dict):
        for one in given:
            if not isinstance(one, str):
                weigh(one)
    elif isinstance(owner, str):
        _see_text(name, owner, given)
    else:
        weigh(*given)
        weigh(owner) if name in _DEEP else count(owner, 1)


def _see_text(name: str, text: str, given: Sequence[Any]) -> None:
    if is_small((text, *given)) and name not in _MAKING:
        return
    weigh(text, *given)
    if name in _SLOW and given and isinstance(given[0], str):
        _repeat(text, len(given[0]))
    elif name == "replace" and len(given) > 1:
        see_replace(text, given[0], given[1])
    elif name == "join" and given:
        see_join(text, given[0])


def see_replace(text: Any, old: Any, new: Any) -> None:
    if isinstance(text, str) and isinstance(old, str) and isinstance(new, str):
        spend(CHARACTER * (text.count(old) * len(new) + len(text)))


def see_join(between: Any, pieces: Any) -> None:
    """Count what is put between `pieces`; they have been weighed."""
    if isinstance(between, str) and isinstance(pieces, str | list | tuple | dict):
        _repeat(between, len(pieces))


def _repeat(one: Any, times: int) -> None:
    spend(len(one) * max(0, times) * (CHARACTER if isinstance(one, str) else ITEM))


def _whole(*values: Any) -> None:
    for value in values:
        if isinstance(value, int):
            _see_bits(value.bit_length())


def _see_bits(bits: int) -> None:
    if bits > MOST_BITS:
        raise Exhausted("a number is too large")
