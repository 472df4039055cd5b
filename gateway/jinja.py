"""Jinja, as chat templates expect it. The only file that imports `jinja2`.

Source: `transformers.utils.chat_template_utils`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NoReturn

import jinja2
from jinja2 import meta, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.errors import ConfigError
from gateway.turns import Call, Json, Object, Turn, parse_json
from gateway.wire.encode import encode
from gateway.wire.format import Format


class Refusal(jinja2.TemplateError):
    """A template called `raise_exception`."""


def compiled(source: str, format: Format) -> tuple[jinja2.Template, set[str]]:
    """A chat template, and the names of the variables it takes; raises ConfigError."""
    environment = _environment(format)
    try:
        asked = meta.find_undeclared_variables(environment.parse(source))
        return environment.from_string(source), asked - set(environment.globals)
    except jinja2.TemplateError as error:
        raise ConfigError(f"the chat template is not Jinja: {error}") from error


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


def _listed(value: object) -> list[object]:
    """What `map` and its kin give, as a list."""
    if isinstance(value, Iterator):
        return list(value)
    raise TypeError(f"{value!r} is not JSON")


def _environment(format: Format) -> _Sandbox:
    environment = _Sandbox(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _Generation],
    )
    environment.filters["tojson"] = to_json
    # Jinja's own marks its result as HTML-safe, and what is then joined to it gets escaped.
    environment.filters["safe"] = str
    environment.filters["turn"] = _turn_filter(format)
    environment.filters["as_json"] = _as_json
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda format: datetime.now().strftime(format)
    return environment


def _turn_filter(format: Format) -> Callable[[Object], str]:
    """`{{ message | turn }}` writes an assistant's message as the model would have."""

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
    """`{{ message.content | as_json }}` writes a result that is JSON as it is, else as a string."""
    try:
        parse_json(text)
    except (ValueError, RecursionError):
        return to_json(text)
    return text


def _raise(message: str) -> NoReturn:
    raise Refusal(message)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Lists may grow, as those of Kimi K2 do: all that a template is given are copies."""

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        if isinstance(obj, list) and attr in ("append", "pop"):
            return True
        return super().is_safe_attribute(obj, attr, value)


class _Generation(Extension):
    """`{% generation %}` marks what a model wrote, for training; here it is transparent."""

    tags = {"generation"}  # noqa: RUF012 - Jinja declares it like this

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return list(parser.parse_statements(("name:endgeneration",), drop_needle=True))
