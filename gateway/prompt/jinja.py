"""Jinja, as chat templates expect it. Only this and `sandbox` import `jinja2`.

Source: `transformers.utils.chat_template_utils`.
"""

from __future__ import annotations

import json
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
from gateway.prompt.sandbox.budget import CHARACTER, MOST_TRIED, Exhausted, allowed, most, spend
from gateway.prompt.sandbox.compile import bounded
from gateway.prompt.sandbox.cost import counted, weigh
from gateway.prompt.sandbox.environment import Sandbox
from gateway.prompt.sandbox.filters import seen, whole

MOST_SOURCE = 2**18  # characters; vendors' templates have up to 17,000
MOST_INDENT = 16
MOST_TOLD = 1000  # characters of an error


class Refusal(jinja2.TemplateError):
    """A template called `raise_exception`."""


class ChatTemplate:
    """One chat template, compiled; raises ConfigError. `asked` are the variables that it takes."""

    def __init__(self, source: str, format: Format):
        if len(source) > MOST_SOURCE:
            raise ConfigError(f"the chat template has more than {MOST_SOURCE} characters")
        environment = _environment(format)
        try:
            with allowed(MOST_TRIED):  # Jinja works out at once what is constant
                tree = environment.parse(source)
                self.asked = meta.find_undeclared_variables(tree) - set(environment.globals)
                tree = bounded(tree)
                tree.set_environment(environment)
                self._template = environment.from_string(tree)
        except Exception as error:  # too deep for Python, too many digits, and more
            raise ConfigError(f"the chat template is not Jinja: {_told(error)}") from error

    def render(self, variables: Object, *, is_trial: bool = False) -> str:
        """The text; raises BadRequest, or ConfigError if a trial goes on for ever."""
        try:
            with allowed(MOST_TRIED if is_trial else most(_count(variables))):
                return self._template.render(variables)
        except Refusal as error:
            told = f"the chat template refuses: {_told(error)}"
            raise BadRequest(told, param="messages") from error
        except Exception as error:  # a template is a program, and nobody has vouched for it
            told = f"the chat template fails: {_told(error)}"
            if is_trial and isinstance(error, Exhausted):
                raise ConfigError(told) from error
            raise BadRequest(told, param="messages") from error


def _count(variables: Object) -> int:
    messages = variables.get("messages")
    return len(messages) if isinstance(messages, list) else 0


def _told(error: Exception) -> str:
    return str(error)[:MOST_TOLD] or type(error).__name__


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


def _see_json(value: Json, *given: object, **named: object) -> None:
    weigh(value)
    if not (given or named):
        return
    if any(isinstance(one, int) and one > MOST_INDENT for one in (*given, *named.values())):
        raise Exhausted("the indent is too wide")
    if len(str([*given, *named.values()])) > 100:
        raise Exhausted("what stands between values is too long")
    if given[1:2] or named.get("indent"):
        level, depth = [value], 0
        while level:
            spend(CHARACTER * MOST_INDENT * depth * len(level))
            level, depth = [inner for outer in level for inner in _within(outer)], depth + 1


def _within(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _listed(value: object) -> list[object]:
    """What `map` and its kin give, as a list."""
    if isinstance(value, Iterator):
        values = list(counted(value))
        weigh(values)
        return values
    raise TypeError(f"{value!r} is not JSON")


def _environment(format: Format) -> Sandbox:
    environment = Sandbox(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _Generation],
    )
    environment.filters["tojson"] = seen(to_json, _see_json)
    # Jinja's own marks its result as HTML-safe, and what is then joined to it gets escaped.
    environment.filters["safe"] = whole(str)
    environment.filters["turn"] = whole(_turn_filter(format))
    environment.filters["as_json"] = whole(_as_json)
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = lambda format: datetime.now().strftime(format[:100])
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


def _raise(message: object) -> NoReturn:
    weigh(message)
    raise Refusal(str(message))


class _Generation(Extension):
    """`{% generation %}` marks what a model wrote, for training; here it is transparent."""

    tags = {"generation"}  # noqa: RUF012 - Jinja declares it like this

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return list(parser.parse_statements(("name:endgeneration",), drop_needle=True))
