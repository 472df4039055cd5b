"""Security: meters operators and methods, which can make a large value of a small one."""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Sequence
from typing import Any

from gateway.prompt.sandbox.budget import CHARACTER, ITEM, BudgetExceeded, spend
from gateway.prompt.sandbox.cost import is_small, spend_deep, spend_length, spend_new

MAX_BITS = 2**12  # of an integer

# The methods that a template may call, by the type of their object.
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

# Methods whose time is the product of the lengths of text and argument.
_SLOW = frozenset(("strip", "lstrip", "rstrip", "rfind", "rindex", "rsplit", "rpartition"))
_MAKING = frozenset(("join", "replace"))
_DEEP = frozenset(("index", "count"))


def add(left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        spend_length(left)
        spend_length(right)
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
        spend(ITEM * (len(left) + len(right)))
    else:
        _check_integers(left, right)
    return left + right


def multiply(left: Any, right: Any) -> Any:
    for one, times in ((left, right), (right, left)):
        if isinstance(one, str | list | tuple) and isinstance(times, int):
            _spend_repeated(one, times)
    _check_integers(left, right)
    return left * right


def power(left: Any, right: Any) -> Any:
    _check_integers(left, right)
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        _check_bits(left.bit_length() * right)
    return left**right


def remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        spend_format(left, right)
        return spend_new(left % right)
    _check_integers(left, right)
    return left % right


def _checked(operator: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def checked(left: Any, right: Any) -> Any:
        _check_integers(left, right)
        return operator(left, right)

    return checked


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": _checked(operators.sub),
    "*": multiply,
    "/": _checked(operators.truediv),
    "//": _checked(operators.floordiv),
    "**": power,
    "%": remainder,
}


def spend_format(text: str, *values: Any) -> None:
    """Pays for formatting `values`, with `%` or with `format`."""
    if re.search(r"%[-#0 +.\d]*\*", text) or re.search(r"\{[^{}]*\{", text.replace("{{", "")):
        raise BudgetExceeded("the width in a format is a variable")
    spend_length(text)
    spend_deep(*values)
    for digits in re.findall(r"\d+", text):
        spend(CHARACTER * int(digits))


def spend_method(name: str, owner: Any, given: Sequence[Any]) -> None:
    """Pays for a method of a text, a list or an object."""
    if isinstance(owner, dict):
        for one in given:
            if not isinstance(one, str):
                spend_deep(one)
    elif isinstance(owner, str):
        _spend_text(name, owner, given)
    else:
        spend_deep(*given)
        spend_deep(owner) if name in _DEEP else spend_length(owner, 1)


def _spend_text(name: str, text: str, given: Sequence[Any]) -> None:
    if is_small((text, *given)) and name not in _MAKING:
        return
    spend_deep(text, *given)
    if name in _SLOW and given and isinstance(given[0], str):
        _spend_repeated(text, len(given[0]))
    elif name == "replace" and len(given) > 1:
        spend_replace(text, given[0], given[1])
    elif name == "join" and given:
        spend_join(text, given[0])


def spend_replace(text: Any, old: Any, new: Any) -> None:
    if isinstance(text, str) and isinstance(old, str) and isinstance(new, str):
        spend(CHARACTER * (text.count(old) * len(new) + len(text)))


def spend_join(between: Any, pieces: Any) -> None:
    """Pays for the separators of a join; `pieces` are paid for."""
    if isinstance(between, str) and isinstance(pieces, str | list | tuple | dict):
        _spend_repeated(between, len(pieces))


def _spend_repeated(one: Any, times: int) -> None:
    spend(len(one) * max(0, times) * (CHARACTER if isinstance(one, str) else ITEM))


def _check_integers(*values: Any) -> None:
    for value in values:
        if isinstance(value, int):
            _check_bits(value.bit_length())


def _check_bits(bits: int) -> None:
    if bits > MAX_BITS:
        raise BudgetExceeded("an integer is too large")
