"""Executes a tool call; errors become results that the model can read."""

from __future__ import annotations

import inspect
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from gateway.chat.json import Json, Object, parse_json
from gateway.functions.schema import Function, parameters_of, properties_of, type_hints


class InvalidCall(ValueError):
    """The call names an unknown function, or its arguments do not match the signature."""


def result(functions: Mapping[str, Function], name: str, arguments: str) -> str:
    """The result of a tool call: a string as it is, any other value as JSON.

    An error is the JSON object `{"error": "..."}`; nothing is raised.

    >>> result({}, "add", "{}")
    '{"error": "no function \\'add\\'; there are none"}'
    """
    try:
        return _as_text(_call(functions, name, arguments))
    except InvalidCall as error:
        return _as_text({"error": str(error)})
    except Exception as error:
        return _as_text({"error": f"{type(error).__name__}: {error}"})


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(to_jsonable_python(value, fallback=str), ensure_ascii=False)


def _call(functions: Mapping[str, Function], name: str, arguments: str) -> Any:
    if name not in functions:
        raise InvalidCall(f"no function {name!r}; {_listed(functions)}")
    function = functions[name]
    signature = inspect.signature(function)
    bound = inspect.BoundArguments(signature, OrderedDict(_convert(function, _parse(arguments))))
    bound.apply_defaults()
    return function(*bound.args, **bound.kwargs)


def _parse(arguments: str) -> Object:
    try:
        given = parse_json(arguments or "{}")
    except ValueError as error:
        raise InvalidCall(f"the arguments are not JSON: {error}") from error
    if not isinstance(given, dict):
        raise InvalidCall("the arguments are not a JSON object")
    return given


def _convert(function: Function, given: Object) -> dict[str, Any]:
    """The arguments as the types of the signature, in its order; raises InvalidCall."""
    parameters, hints = parameters_of(function), type_hints(function)
    schemas = properties_of(function)
    unknown = [key for key in given if key not in parameters]
    if unknown:
        raise InvalidCall(f"no argument {unknown[0]!r}; {_listed(parameters)}")
    for key, parameter in parameters.items():
        if key not in given and parameter.default is parameter.empty:
            raise InvalidCall(f"the argument {key!r} is missing")
    return {k: _validate(k, hints[k], schemas[k], given[k]) for k in parameters if k in given}


def _validate(key: str, hint: Any, schema: Object, value: Json) -> Any:
    """The value as the type of its hint; raises InvalidCall."""
    choices = schema.get("enum")
    if isinstance(choices, list) and not (value is None and "nullable" in schema):
        for one in value if isinstance(value, list) else [value]:
            if one not in choices:
                raise InvalidCall(
                    f"{key!r} must be one of {_as_text(choices)}, not {_as_text(one)}"
                )
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, [key, *first["loc"]]))
        raise InvalidCall(f"{where!r}: {first['msg']}") from error


def _listed(names: Mapping[str, Any]) -> str:
    return f"valid are {', '.join(map(repr, names))}" if names else "there are none"
