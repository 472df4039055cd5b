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

from gateway.turns import Json, Object
from gateway.wire.pattern import is_cheap

MOST_STEPS = 100_000
MOST_TOLD = 200  # characters of a reason

_FAILURES = (Unresolvable, RecursionError, re.error, OverflowError, TypeError, AttributeError)
_Check = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]

_left: ContextVar[list[int]] = ContextVar("_left")


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
    token = _left.set([MOST_STEPS])
    try:
        checker = _bounded(_draft(schema))(
            _undeclared(schema), registry=Registry(), format_checker=FormatChecker()
        )
        error = next(checker.iter_errors(value), None)
    except _FAILURES as failure:
        raise Unchecked(f"{type(failure).__name__}: {failure}"[:MOST_TOLD]) from failure
    finally:
        _left.reset(token)
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
    checks["patternProperties"] = _counted(_costly(draft.VALIDATORS["patternProperties"]))
    bounded: type[Validator] = extend(draft, checks)  # type: ignore[no-untyped-call]
    return bounded


def _counted(check: _Check) -> _Check:
    def counted(
        validator: Any, wanted: Any, value: Any, schema: Any
    ) -> Iterator[ValidationError] | None:
        left = _left.get()
        left[0] -= 1
        if left[0] < 0:
            raise Unchecked(f"it takes more than {MOST_STEPS} steps")
        return check(validator, wanted, value, schema)

    return counted


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str):
        _see_cost(pattern, value)
        if not re.search(pattern, value):
            yield ValidationError(f"{value!r} does not match {pattern!r}")


def _costly(check: _Check) -> _Check:
    def careful(
        validator: Any, patterns: Any, value: Any, schema: Any
    ) -> Iterator[ValidationError] | None:
        if isinstance(value, dict):
            for pattern in patterns:
                _see_cost(pattern, max(value, key=len, default=""))
        return check(validator, patterns, value, schema)

    return careful


def _see_cost(pattern: str, text: str) -> None:
    if not is_cheap(pattern, len(text)):
        raise Unchecked(f"to match {pattern!r} may take too long"[:MOST_TOLD])


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
