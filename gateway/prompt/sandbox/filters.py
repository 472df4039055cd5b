"""Security: the filters and tests of Jinja that a template may use, all metered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from jinja2.filters import FILTERS as GIVEN
from jinja2.tests import TESTS as GIVEN_TESTS

from gateway.prompt.sandbox.budget import CHARACTER, ITEM, STEP, BudgetExceeded, spend
from gateway.prompt.sandbox.cost import (
    is_small,
    materialized,
    spend_deep,
    spend_each,
    spend_length,
    spend_new,
)
from gateway.prompt.sandbox.operators import (
    OPERATORS,
    spend_format,
    spend_join,
    spend_method,
    spend_replace,
)

Function = Callable[..., Any]

_GIVEN: Any = GIVEN
_GIVEN_TESTS: Any = GIVEN_TESTS

MAX_ATTRIBUTE = 100  # characters

# These look at a value, but not at its items.
_FREE = ("abs", "attr", "count", "d", "default", "first", "last", "length")
_LAZY = ("items", "list", "map", "reject", "rejectattr", "reverse", "select", "selectattr")
_ORDERING = ("dictsort", "max", "min", "sort", "unique")
_FREE_TESTS = (
    *("boolean", "callable", "defined", "escaped", "false", "float", "integer", "iterable"),
    *("mapping", "none", "number", "sameas", "sequence", "string", "true", "undefined"),
)
_WHOLE_TESTS = (
    *("in", "==", "eq", "equalto", "!=", "ne", ">", "gt", "greaterthan", ">=", "ge"),
    *("<", "lt", "lessthan", "<=", "le", "lower", "upper"),
)


def metered(function: Function, pay: Callable[..., None]) -> Function:
    """`function`, with `pay` called first, with the same arguments."""
    first = 1 if hasattr(function, "jinja_pass_arg") else 0  # Jinja passes its context first
    costs_its_length = pay in (_pay_deep, _pay_trim)

    @wraps(function)
    def paid(*given: Any, **named: Any) -> Any:
        values = given[first:]
        if costs_its_length and len(values) == 1 and type(values[0]) is str and not named:
            spend(CHARACTER * len(values[0]))
        elif pay is not _pay_deep or named or not is_small(values):
            given = (*given[:first], *map(materialized, values))
            pay(*given[first:], **named)
        return spend_new(function(*given, **named))

    return paid


def metered_deep(function: Function) -> Function:
    """`function`, with payment for everything in its arguments."""
    return metered(function, _pay_deep)


def _pay_deep(*given: Any, **named: Any) -> None:
    spend_deep(*given, *named.values())


def _metered_lazily(function: Function) -> Function:
    """`function`, which iterates, perhaps later, and looks up an attribute or makes a test."""
    first = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def paid(*given: Any, **named: Any) -> Any:
        values = given[first]
        words = sum(len(w) for w in (*given[first + 1 :], *named.values()) if isinstance(w, str))
        if words > MAX_ATTRIBUTE:
            raise BudgetExceeded("the name of an attribute is too long")
        each = 2 * ITEM + STEP * words
        if isinstance(values, Iterator):
            values = spend_each(values, each)
        else:
            spend_length(values, each)
        return spend_new(function(*given[:first], values, *given[first + 1 :], **named))

    return paid


def _pay_join(pieces: Any, between: Any = "", *more: Any, **named: Any) -> None:
    _pay_deep(pieces, between, *more, **named)
    spend_join(named.get("d", between), pieces)


def _pay_replace(text: Any, old: Any, new: Any, *more: Any) -> None:
    _pay_deep(text, old, new)
    spend_replace(str(text), str(old), str(new))


def _pay_trim(text: Any, characters: Any = None) -> None:
    spend_deep(text)
    spend_method("strip", str(text), [str(characters or "")])


def _pay_indent(text: Any, width: Any = 4, *more: Any, **named: Any) -> None:
    wide = width if isinstance(width, int) else len(str(width))
    spend_deep(text)
    spend(CHARACTER * abs(wide) * (1 + len(str(text).splitlines())))


def _pay_format(text: Any, *given: Any, **named: Any) -> None:
    spend_deep(text)
    spend_format(str(text), *given, *named.values())


def _odd(number: Any) -> bool:
    return bool(OPERATORS["%"](number, 2) == 1)


def _even(number: Any) -> bool:
    return bool(OPERATORS["%"](number, 2) == 0)


_PAYING: dict[str, Callable[..., None]] = {
    **dict.fromkeys(("capitalize", "e", "escape", "float", "int", "lower"), _pay_deep),
    **dict.fromkeys(("string", "title", "upper"), _pay_deep),
    "format": _pay_format,
    "indent": _pay_indent,
    "join": _pay_join,
    "replace": _pay_replace,
    "trim": _pay_trim,
}

FILTERS: dict[str, Function] = {
    **{name: _GIVEN[name] for name in _FREE},
    **{name: _metered_lazily(_GIVEN[name]) for name in _LAZY},
    **{name: _metered_lazily(metered_deep(_GIVEN[name])) for name in _ORDERING},
    **{name: metered(_GIVEN[name], pay) for name, pay in _PAYING.items()},
}

TESTS: dict[str, Function] = {
    **{name: _GIVEN_TESTS[name] for name in _FREE_TESTS},
    **{name: metered_deep(_GIVEN_TESTS[name]) for name in _WHOLE_TESTS},
    "odd": _odd,
    "even": _even,
}
