"""A call that a model wrote -> the text of its result, whatever goes wrong."""

from __future__ import annotations

import inspect
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from gateway.chat.json import Json, Object, parse_json
from gateway.functions.schema import Function, hints, parameters_of, properties_of


class Misfit(ValueError):
    """What a model asked for can't be done."""


def result(known: Mapping[str, Function], name: str, arguments: str) -> str:
    """What the function returned: text as it is, anything else as JSON, an error as `error`.

    >>> result({}, "add", "{}")
    '{"error": "there is no function \\'add\\'; there is none at all"}'
    """
    try:
        return _written(_call(known, name, arguments))
    except Misfit as error:
        return _written({"error": str(error)})
    except Exception as error:
        return _written({"error": f"{type(error).__name__}: {error}"})


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(to_jsonable_python(value, fallback=str), ensure_ascii=False)


def _call(known: Mapping[str, Function], name: str, arguments: str) -> Any:
    if name not in known:
        raise Misfit(f"there is no function {name!r}; there {_listed(known)}")
    function = known[name]
    signature = inspect.signature(function)
    bound = inspect.BoundArguments(signature, OrderedDict(_fitting(function, _read(arguments))))
    bound.apply_defaults()
    return function(*bound.args, **bound.kwargs)


def _read(arguments: str) -> Object:
    try:
        given = parse_json(arguments or "{}")
    except ValueError as error:
        raise Misfit(f"the arguments are not JSON: {error}") from error
    if not isinstance(given, dict):
        raise Misfit("the arguments are not a JSON object")
    return given


def _fitting(function: Function, given: Object) -> dict[str, Any]:
    """The arguments as the signature has them, in its order; raises Misfit."""
    asked, kinds, schemas = parameters_of(function), hints(function), properties_of(function)
    unknown = [key for key in given if key not in asked]
    if unknown:
        raise Misfit(f"there is no argument {unknown[0]!r}; there {_listed(asked)}")
    lacking = [key for key in asked if key not in given and asked[key].default is inspect._empty]
    if lacking:
        raise Misfit(f"the argument {lacking[0]!r} is missing")
    return {k: _as(k, kinds[k], schemas[k], given[k]) for k in asked if k in given}


def _as(key: str, hint: Any, schema: Object, value: Json) -> Any:
    """The value as its hint's type; raises Misfit."""
    choices = schema.get("enum")
    if isinstance(choices, list) and not (value is None and "nullable" in schema):
        for one in value if isinstance(value, list) else [value]:
            if one not in choices:
                raise Misfit(f"{key!r} must be one of {_written(choices)}, not {_written(one)}")
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, [key, *first["loc"]]))
        raise Misfit(f"{where!r}: {first['msg']}") from error


def _listed(names: Mapping[str, Any]) -> str:
    return f"is {', '.join(map(repr, names))}" if names else "is none at all"
