"""Jinja's filters and tests, as far as chat templates use them, each of them counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from jinja2.filters import FILTERS as GIVEN
from jinja2.tests import TESTS as GIVEN_TESTS

from gateway.prompt.sandbox.budget import CHARACTER, ITEM, STEP, Exhausted, spend
from gateway.prompt.sandbox.cost import at_hand, count, counted, is_small, made, weigh
from gateway.prompt.sandbox.operators import (
    OPERATORS,
    see_format,
    see_join,
    see_method,
    see_replace,
)

Function = Callable[..., Any]

_GIVEN: Any = GIVEN
_GIVEN_TESTS: Any = GIVEN_TESTS

MOST_ATTRIBUTE = 100  # characters

# These look at a value, never through it.
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


def seen(function: Function, see: Callable[..., None]) -> Function:
    """`function`, of which `see` counts what it is about to do with what it is given."""
    first = 1 if hasattr(function, "jinja_pass_arg") else 0  # what Jinja itself gives it
    costs_its_length = see in (_weigh, _trim)

    @wraps(function)
    def careful(*given: Any, **named: Any) -> Any:
        values = given[first:]
        if costs_its_length and len(values) == 1 and type(values[0]) is str and not named:
            spend(CHARACTER * len(values[0]))
        elif see is not _weigh or named or not is_small(values):
            given = (*given[:first], *map(at_hand, values))
            see(*given[first:], **named)
        return made(function(*given, **named))

    return careful


def whole(function: Function) -> Function:
    """`function`, which looks through all that it is given."""
    return seen(function, _weigh)


def _weigh(*given: Any, **named: Any) -> None:
    weigh(*given, *named.values())


def _lazy(function: Function) -> Function:
    """`function`, which goes through a list, perhaps later, for an attribute or by a test."""
    first = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def careful(*given: Any, **named: Any) -> Any:
        values = given[first]
        words = sum(len(w) for w in (*given[first + 1 :], *named.values()) if isinstance(w, str))
        if words > MOST_ATTRIBUTE:
            raise Exhausted("an attribute is too long")
        each = 2 * ITEM + STEP * words
        if isinstance(values, Iterator):
            values = counted(values, each)
        else:
            count(values, each)
        return made(function(*given[:first], values, *given[first + 1 :], **named))

    return careful


def _join(pieces: Any, between: Any = "", *more: Any, **named: Any) -> None:
    _weigh(pieces, between, *more, **named)
    see_join(named.get("d", between), pieces)


def _replace(text: Any, old: Any, new: Any, *more: Any) -> None:
    _weigh(text, old, new)
    see_replace(str(text), str(old), str(new))


def _trim(text: Any, characters: Any = None) -> None:
    weigh(text)
    see_method("strip", str(text), [str(characters or "")])


def _indent(text: Any, width: Any = 4, *more: Any, **named: Any) -> None:
    wide = width if isinstance(width, int) else len(str(width))
    weigh(text)
    spend(CHARACTER * abs(wide) * (1 + len(str(text).splitlines())))


def _format(text: Any, *given: Any, **named: Any) -> None:
    weigh(text)
    see_format(str(text), *given, *named.values())


def _odd(number: Any) -> bool:
    return bool(OPERATORS["%"](number, 2) == 1)


def _even(number: Any) -> bool:
    return bool(OPERATORS["%"](number, 2) == 0)


_SEEN: dict[str, Callable[..., None]] = {
    **dict.fromkeys(("capitalize", "e", "escape", "float", "int", "lower"), _weigh),
    **dict.fromkeys(("string", "title", "upper"), _weigh),
    "format": _format,
    "indent": _indent,
    "join": _join,
    "replace": _replace,
    "trim": _trim,
}

FILTERS: dict[str, Function] = {
    **{name: _GIVEN[name] for name in _FREE},
    **{name: _lazy(_GIVEN[name]) for name in _LAZY},
    **{name: _lazy(whole(_GIVEN[name])) for name in _ORDERING},
    **{name: seen(_GIVEN[name], see) for name, see in _SEEN.items()},
}

TESTS: dict[str, Function] = {
    **{name: _GIVEN_TESTS[name] for name in _FREE_TESTS},
    **{name: whole(_GIVEN_TESTS[name]) for name in _WHOLE_TESTS},
    "odd": _odd,
    "even": _even,
}
