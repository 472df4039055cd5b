"""A Python function -> the tool that OpenAI's API takes."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from typing import Any, get_type_hints

from gateway.chat.json import Json, Object
from gateway.functions.docstring import Docstring, read
from gateway.functions.errors import DocstringError, FunctionError, HintError
from gateway.functions.type_hints import of_hint

Function = Callable[..., Any]

CHOICES = re.compile(r"\(choices:(.*)\)$", re.IGNORECASE)
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def schema(function: Function) -> Object:
    """`function` as a tool: `{"type": "function", "function": {name, description, parameters}}`.

    Every parameter needs a type hint, and a line under `Args:` in the docstring, which is in
    Google's style. A line may end in `(choices: ["a", "b"])`, which is a JSON array. A parameter
    with a default can be left out; one that can be None is `nullable`. A return hint, with what
    `Returns:` says of it, becomes `return`.

    The rules are those of transformers' `get_json_schema`, so that a function that is a tool there
    is the same tool here (https://huggingface.co/docs/transformers/chat_extras). `*args` and
    `**kwargs` alone are refused, as no call of a model's can name them.

    Raises HintError and DocstringError, both of them FunctionError.

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
    said, properties = _docstring(function), properties_of(function)
    asked = parameters_of(function)
    parameters: Object = {"type": "object", "properties": {**properties}}
    required: list[Json] = [key for key, one in asked.items() if one.default is one.empty]
    if required:
        parameters["required"] = required
    described: Object = {
        "name": name_of(function),
        "description": said.description,
        "parameters": parameters,
        **_returned(function, said),
    }
    return {"type": "function", "function": described}


def properties_of(function: Function) -> dict[str, Object]:
    """The schema of each parameter; raises FunctionError."""
    name, said, asked = name_of(function), _docstring(function), parameters_of(function)
    known = hints(function)
    schemas = {key: _kind(name, key, known[key]) for key in asked}
    return {key: _described(name, key, schemas[key], said) for key in asked}


def name_of(function: Function) -> str:
    """What a model calls `function`; raises FunctionError."""
    name = getattr(function, "__name__", None)
    if name is None:
        raise FunctionError(f"{function!r} has no name; define a function that calls it")
    return str(name)


def parameters_of(function: Function) -> dict[str, inspect.Parameter]:
    """The parameters that a model gives, a method's own object left out; raises FunctionError."""
    given: dict[str, inspect.Parameter] = {}
    for at, (key, one) in enumerate(inspect.signature(function).parameters.items()):
        if at == 0 and key in ("self", "cls") and one.annotation is one.empty:
            continue
        if one.annotation is one.empty:
            raise HintError(f"{name_of(function)}: {key!r} has no type hint")
        if one.kind in VARIABLE:
            raise FunctionError(f"{name_of(function)}: a model can't name what is in {key!r}")
        given[key] = one
    return given


def hints(function: Function) -> dict[str, Any]:
    """The type hints of all parameters, and of `return`; raises HintError."""
    try:
        return get_type_hints(function)
    except NameError as error:
        raise HintError(f"{name_of(function)}: a type hint can't be resolved: {error}") from error


def _docstring(function: Function) -> Docstring:
    text = inspect.getdoc(function)
    if not text:
        name = name_of(function)
        raise DocstringError(f"{name} has no docstring, so a model can't know what it is for")
    return read(text)


def _kind(name: str, key: str, hint: Any) -> Object:
    try:
        return of_hint(hint)
    except HintError as error:
        raise HintError(f"{name}: {key!r}: {error}") from error


def _described(name: str, key: str, kind: Object, said: Docstring) -> Object:
    if not said.parameters.get(key):
        raise DocstringError(f"{name}: the docstring says nothing of {key!r} under `Args:`")
    text = said.parameters[key]
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


def _returned(function: Function, said: Docstring) -> Object:
    """What is returned, where JSON has a word for it: no model writes it, so it need not."""
    known = hints(function)
    if "return" not in known:
        return {}
    try:
        kind = of_hint(known["return"])
    except HintError:
        return {}
    return {"return": kind if said.returns is None else {**kind, "description": said.returns}}
