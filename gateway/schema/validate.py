"""Whether a value is what a schema asks for, when no grammar could see to it.

A schema is its client's: it is never fetched, and no more work is done for it than a moment's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from gateway.chat.json import Json, Object
from gateway.schema.regex import cost

MOST_STEPS = 100_000
WAYS = 100  # of matching a pattern that are tried in the time of a step
MOST_TOLD = 200  # characters of a reason

_FAILURES = (Unresolvable, RecursionError, re.error, OverflowError, TypeError, AttributeError)
_Check = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]

_left: ContextVar[list[int]] = ContextVar("_left")
_keys: ContextVar[list[str]] = ContextVar("_keys")  # all that name properties by a pattern


class Unchecked(Exception):
    """It can't be said whether a value is valid, and why."""


def is_valid(schema: Json, value: Json) -> bool:
    """Whether `schema` admits `value`, as far as it can be said."""
    try:
        return breach(schema, value) is None
    except Unchecked:
        return False


def breach(schema: Json, value: Json) -> str | None:
    """Where `value` breaks `schema`, and how; raises Unchecked if that can't be said."""
    if not isinstance(schema, dict):
        return "at /: nothing is valid here" if schema is False else None
    token, other = _left.set([MOST_STEPS]), _keys.set([*_patterns(schema)])
    try:
        checker = _bounded(_draft(schema))(
            _undeclared(schema), registry=Registry(), format_checker=FormatChecker()
        )
        error = next(checker.iter_errors(value), None)
    except _FAILURES as failure:
        raise Unchecked(f"{type(failure).__name__}: {failure}"[:MOST_TOLD]) from failure
    finally:
        _left.reset(token)
        _keys.reset(other)
    if error is None:
        return None
    where = "".join(f"/{step}" for step in error.absolute_path) or "/"
    return f"at {where}: {error.message[:MOST_TOLD]}"


def _draft(schema: Object) -> type[Validator]:
    """The validator for the draft that `schema` is written in; the latest, if it doesn't say."""
    declared: type[Validator] = validator_for(schema, default=Draft202012Validator)
    if declared is Draft202012Validator and any(_has_old_items(schema)):
        return Draft7Validator
    return declared


def _has_old_items(schema: Json) -> Iterator[bool]:
    if isinstance(schema, dict):
        if isinstance(schema.get("items"), list):
            yield True
        for inner in schema.values():
            yield from _has_old_items(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _has_old_items(inner)


@cache
def _bounded(draft: type[Validator]) -> type[Validator]:
    """A validator that gives up where it would work for too long."""
    known = {"dependencies": Draft7Validator.VALIDATORS["dependencies"], **draft.VALIDATORS}
    checks = {name: _counted(check) for name, check in known.items()}
    checks["pattern"] = _counted(_pattern)
    for name in ("patternProperties", "additionalProperties", "unevaluatedProperties"):
        if name in draft.VALIDATORS:
            checks[name] = _counted(_costly(draft.VALIDATORS[name]))
    bounded: type[Validator] = extend(draft, checks)  # type: ignore[no-untyped-call]
    return bounded


def _counted(check: _Check) -> _Check:
    def counted(
        validator: Any, wanted: Any, value: Any, schema: Any
    ) -> Iterator[ValidationError] | None:
        _spend(1)
        return check(validator, wanted, value, schema)

    return counted


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str):
        _see_cost(pattern, len(value))
        if not re.search(pattern, value):
            yield ValidationError(f"{value!r} does not match {pattern!r}")


def _costly(check: _Check) -> _Check:
    def careful(
        validator: Any, patterns: Any, value: Any, schema: Any
    ) -> Iterator[ValidationError] | None:
        if isinstance(value, dict):
            # Which of them a validator asks for is its own affair, and it joins some.
            for pattern in _keys.get():
                for key in value:
                    _see_cost(pattern, len(key))
        return check(validator, patterns, value, schema)

    return careful


def _see_cost(pattern: str, characters: int) -> None:
    ways = cost(pattern, characters)
    if ways > WAYS * MOST_STEPS:
        raise Unchecked(f"to match {pattern!r} may take too long"[:MOST_TOLD])
    _spend(1 + int(ways) // WAYS)


def _spend(steps: int) -> None:
    left = _left.get()
    left[0] -= steps
    if left[0] < 0:
        raise Unchecked(f"it takes more than {MOST_STEPS} steps")


def _patterns(schema: Json) -> Iterator[str]:
    if isinstance(schema, dict):
        patterns = schema.get("patternProperties")
        yield from patterns if isinstance(patterns, dict) else ()
        for inner in schema.values():
            yield from _patterns(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _patterns(inner)


def _undeclared(schema: Any) -> Any:
    """`schema` without `$schema`, by which a validator would give way to an unbounded one."""
    if isinstance(schema, list):
        return [_undeclared(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _undeclared(value)
        for key, value in schema.items()
        if key != "$schema" or not isinstance(value, str)
    }
