"""Compiles and renders chat templates in a metered Jinja sandbox.

Only this file and `sandbox` import `jinja2`. The filters and functions are those of transformers,
and two of our own, `turn` and `as_json`, for the templates in `templates/`.

Source: `transformers.utils.chat_template_utils`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import NoReturn

import jinja2
from jinja2 import meta, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from gateway.chat.json import Json, Object, parse_json
from gateway.chat.messages import Call, Turn
from gateway.errors import BadRequest, ConfigError
from gateway.formats.encode import encode
from gateway.formats.format import Format
from gateway.prompt.sandbox.budget import (
    CHARACTER,
    MAX_TRIAL_UNITS,
    BudgetExceeded,
    limited_to,
    max_units,
    spend,
)
from gateway.prompt.sandbox.compile import metered_tree
from gateway.prompt.sandbox.cost import spend_deep, spend_each
from gateway.prompt.sandbox.filters import metered, metered_deep
from gateway.prompt.sandbox.shortcuts import FastSandbox

MAX_SOURCE = 2**18  # characters; vendors' templates have up to 17,000
MAX_INDENT = 16
MAX_ERROR = 1000  # characters
_FIELD = re.compile(r"%[a-z]|\{[^{}]*\}")  # where `%` and `format` insert a value


class Rejection(jinja2.TemplateError):
    """A template called `raise_exception`."""


class ChatTemplate:
    """One compiled chat template; raises ConfigError.

    variables  those that it reads
    literals   the texts that it writes before other text, or compares
    """

    def __init__(self, source: str, format: Format):
        if len(source) > MAX_SOURCE:
            raise ConfigError(f"the chat template has more than {MAX_SOURCE} characters")
        environment = _environment(format)
        try:
            with limited_to(MAX_TRIAL_UNITS):  # Jinja evaluates constants while it compiles
                tree = environment.parse(source)
                self.variables = meta.find_undeclared_variables(tree) - set(environment.globals)
                self.literals = frozenset(_literals(tree))
                tree = metered_tree(tree)
                tree.set_environment(environment)
                self._template = environment.from_string(tree)
        except Exception as error:  # nested too deeply for Python, too many digits, and more
            raise ConfigError(f"the chat template is not Jinja: {_reason(error)}") from error

    def render(self, variables: Object, *, is_trial: bool = False) -> str:
        """Returns the text; raises BadRequest, or ConfigError if a trial exceeds its budget."""
        try:
            with limited_to(MAX_TRIAL_UNITS if is_trial else max_units(_count(variables))):
                return self._template.render(variables)
        except Rejection as error:
            text = f"the chat template rejects the messages: {_reason(error)}"
            raise BadRequest(text, param="messages") from error
        except Exception as error:  # a template is a program from an untrusted source
            text = f"the chat template fails: {_reason(error)}"
            if is_trial and isinstance(error, BudgetExceeded):
                raise ConfigError(text) from error
            raise BadRequest(text, param="messages") from error


def _literals(tree: nodes.Template) -> Iterator[str]:
    texts: list[object] = [node.data for node in tree.find_all(nodes.TemplateData)]
    texts += [node.value for node in tree.find_all(nodes.Const)]
    for text in texts:
        if isinstance(text, str):
            yield from _FIELD.split(text)


def _count(variables: Object) -> int:
    messages = variables.get("messages")
    return len(messages) if isinstance(messages, list) else 0


def _reason(error: Exception) -> str:
    return str(error)[:MAX_ERROR] or type(error).__name__


def to_json(
    value: Json,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
        default=_listed,
    )


def _spend_json(value: Json, *positional: object, **named: object) -> None:
    spend_deep(value)
    if not (positional or named):
        return
    options = (*positional, *named.values())
    if any(isinstance(option, int) and option > MAX_INDENT for option in options):
        raise BudgetExceeded("the indent of `tojson` is too wide")
    if len(str([*options])) > 100:
        raise BudgetExceeded("the separators of `tojson` are too long")
    if positional[1:2] or named.get("indent"):
        level, depth = [value], 0
        while level:
            spend(CHARACTER * MAX_INDENT * depth * len(level))
            level, depth = [inner for outer in level for inner in _values(outer)], depth + 1


def _values(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _listed(value: object) -> list[object]:
    """The items of an iterator, such as the result of `map`."""
    if isinstance(value, Iterator):
        values = list(spend_each(value))
        spend_deep(values)
        return values
    raise TypeError(f"{value!r} is not JSON")


def _environment(format: Format) -> FastSandbox:
    environment = FastSandbox(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _Generation],
    )
    environment.filters["tojson"] = metered(to_json, _spend_json)
    # Jinja's own `safe` marks its result as HTML, and text that is joined to it gets escaped.
    environment.filters["safe"] = metered_deep(str)
    environment.filters["turn"] = metered_deep(_turn_filter(format))
    environment.filters["as_json"] = metered_deep(_as_json)
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda format: datetime.now().strftime(format[:100])
    return environment


def _turn_filter(format: Format) -> Callable[[Object], str]:
    """`{{ message | turn }}` writes an assistant message as the model would."""

    def turn(message: Object) -> str:
        calls = message.get("tool_calls") or []
        assert isinstance(calls, list)
        return encode(
            format,
            Turn(
                str(message.get("content") or ""),
                str(message.get("reasoning_content") or ""),
                tuple(_call_of(call) for call in calls),
            ),
        )

    return turn


def _call_of(call: Json) -> Call:
    match call:
        case {"id": str(id), "function": {"name": str(name), "arguments": dict(arguments)}}:
            return Call(name, arguments, id)
    raise TypeError(f"not a tool call: {call!r}")


def _as_json(text: str) -> str:
    """`{{ message.content | as_json }}` writes JSON as it is, and other text as a JSON string."""
    try:
        parse_json(text)
    except (ValueError, RecursionError):
        return to_json(text)
    return text


def _raise(message: object) -> NoReturn:
    spend_deep(message)
    raise Rejection(str(message))


class _Generation(Extension):
    """`{% generation %}` marks what a model wrote, for training; here it has no effect."""

    tags = {"generation"}  # noqa: RUF012 - Jinja declares it like this

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return list(parser.parse_statements(("name:endgeneration",), drop_needle=True))
