"""The tool definition of a Python function, in the format of the OpenAI API."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from typing import Any, get_type_hints

from gateway.chat.json import Json, Object
from gateway.functions.docstring import Docstring, parse
from gateway.functions.errors import DocstringError, FunctionError, HintError
from gateway.functions.type_hints import of_hint

Function = Callable[..., Any]

CHOICES = re.compile(r"\(choices:(.*)\)$", re.IGNORECASE)
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def schema(function: Function) -> Object:
    """`function` as a tool: `{"type": "function", "function": {name, description, parameters}}`.

    Every parameter needs a type hint and a line under `Args:` in a Google-style docstring. The
    line may end in `(choices: ["a", "b"])`, a JSON array. A parameter with a default is optional;
    one that accepts None is `nullable`. The return hint becomes `return`, with the text of
    `Returns:` as its description.

    The rules are those of `get_json_schema` in transformers, and the results are equal
    (https://huggingface.co/docs/transformers/chat_extras), except that `*args` and `**kwargs` are
    refused, since a tool call passes arguments by name.

    Raises HintError or DocstringError, which are FunctionErrors.

    >>> def add(a: int, b: int = 1) -> int:
    ...     '''Add two numbers.
    ...
    ...     Args:
    ...         a: The first
    ...         b: The second
    ...     '''
    ...     return a + b
    >>> schema(add)["function"]["parameters"]["required"]
    ['a']
    """
    docstring, properties = _docstring(function), properties_of(function)
    signature = parameters_of(function)
    parameters: Object = {"type": "object", "properties": {**properties}}
    required: list[Json] = [key for key, one in signature.items() if one.default is one.empty]
    if required:
        parameters["required"] = required
    described: Object = {
        "name": name_of(function),
        "description": docstring.description,
        "parameters": parameters,
        **_return_value(function, docstring),
    }
    return {"type": "function", "function": described}


def properties_of(function: Function) -> dict[str, Object]:
    """The schema of each parameter; raises FunctionError."""
    name, docstring = name_of(function), _docstring(function)
    keys, hints = parameters_of(function), type_hints(function)
    schemas = {key: _hint_schema(name, key, hints[key]) for key in keys}
    return {key: _with_description(name, key, schemas[key], docstring) for key in keys}


def name_of(function: Function) -> str:
    """The tool name of `function`; raises FunctionError."""
    name = getattr(function, "__name__", None)
    if name is None:
        raise FunctionError(f"{function!r} has no name; wrap it in a function")
    return str(name)


def parameters_of(function: Function) -> dict[str, inspect.Parameter]:
    """The parameters that a model can pass, without `self` and `cls`; raises FunctionError."""
    parameters: dict[str, inspect.Parameter] = {}
    for at, (key, one) in enumerate(inspect.signature(function).parameters.items()):
        if at == 0 and key in ("self", "cls") and one.annotation is one.empty:
            continue
        if one.annotation is one.empty:
            raise HintError(f"{name_of(function)}: {key!r} has no type hint")
        if one.kind in VARIABLE:
            name = name_of(function)
            raise FunctionError(f"{name}: a tool call cannot pass {key!r}; use named parameters")
        parameters[key] = one
    return parameters


def type_hints(function: Function) -> dict[str, Any]:
    """The resolved type hints of all parameters and of `return`; raises HintError."""
    try:
        return get_type_hints(function)
    except NameError as error:
        raise HintError(f"{name_of(function)}: cannot resolve a type hint: {error}") from error


def _docstring(function: Function) -> Docstring:
    text = inspect.getdoc(function)
    if not text:
        name = name_of(function)
        raise DocstringError(f"{name} has no docstring, which the model needs as its description")
    return parse(text)


def _hint_schema(name: str, key: str, hint: Any) -> Object:
    try:
        return of_hint(hint)
    except HintError as error:
        raise HintError(f"{name}: {key!r}: {error}") from error


def _with_description(name: str, key: str, kind: Object, docstring: Docstring) -> Object:
    if not docstring.parameters.get(key):
        raise DocstringError(f"{name}: the docstring does not describe {key!r} under `Args:`")
    text = docstring.parameters[key]
    found = CHOICES.search(text)
    if not found:
        return {**kind, "description": text}
    description = text[: found.start()].strip()
    return {**kind, "enum": _choices(name, key, found[1]), "description": description}


def _choices(name: str, key: str, text: str) -> list[Json]:
    try:
        choices = json.loads(text)
    except ValueError:
        choices = None
    if not isinstance(choices, list):
        raise DocstringError(f"{name}: {key!r}: the choices are not a JSON array: {text.strip()}")
    return [choice.strip() if isinstance(choice, str) else choice for choice in choices]


def _return_value(function: Function, docstring: Docstring) -> Object:
    """The schema of the return value; empty if the hint is missing or has no JSON type."""
    hints = type_hints(function)
    if "return" not in hints:
        return {}
    try:
        kind = of_hint(hints["return"])
    except HintError:
        return {}
    return {
        "return": kind if docstring.returns is None else {**kind, "description": docstring.returns}
    }
