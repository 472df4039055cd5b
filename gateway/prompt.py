"""Messages -> prompt, by a chat template. The only file that imports `jinja2`.

Control tokens come only from the template: what a client wrote is guarded before rendering, so
that `<|im_end|>` typed by a user reaches the model as the plain text it is.

Source for what templates expect: `transformers.utils.chat_template_utils`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import jinja2
from jinja2 import meta, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.errors import BadRequest, ConfigError
from gateway.history import arrange
from gateway.request import Message, Reply, Request, Result, Speech
from gateway.turns import Call, Json, Object, Tool, Turn, parse_json
from gateway.wire.encode import encode
from gateway.wire.format import Format

OURS = frozenset(
    ("messages", "tools", "documents", "add_generation_prompt", "bos_token", "eos_token")
)
GUARD = "\ufdd0"  # a noncharacter: no text that is meant for interchange has it


@dataclass(frozen=True, slots=True)
class Prompt:
    """Plain text and special tokens' ids in turn; `begun` is what the answer begins with."""

    parts: tuple[str | int, ...]
    text: str
    begun: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a template needs to know of a model's tokens; `special` maps text to id."""

    bos: str
    eos: str
    special: dict[str, int]


class Template:
    """One chat template, for one model's vocabulary and format.

    `plain` is what to write a conversation without tools with, if the model has a second one.
    """

    def __init__(
        self, source: str, format: Format, vocabulary: Vocabulary, plain: str | None = None
    ):
        self._format = format
        self._vocabulary = vocabulary
        environment = _environment(format)
        try:
            self._template = environment.from_string(source)
            self._plain = environment.from_string(plain) if plain else self._template
            asked = meta.find_undeclared_variables(environment.parse(source))
            self.variables = asked - set(environment.globals) - OURS
        except jinja2.TemplateError as error:
            raise ConfigError(f"the chat template is not Jinja: {error}") from error
        marks = sorted(filter(None, vocabulary.special), key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, marks)) or r"(?!)")
        self._begins = {mark[:end] for mark in marks for end in range(1, len(mark))}
        self._longest = len(marks[0]) if marks else 0
        self.shows_tools = self._shows_tools()

    def render(self, request: Request) -> Prompt:
        """Write the prompt, up to where the answer begins; raises BadRequest."""
        if request.tools and not self.shows_tools:
            raise BadRequest(
                "this model's chat template does not show tools to the model; give the model"
                " another `template` in models.yaml",
                param="tools",
            )
        self._check_variables(request.template_variables)
        messages = arrange(request.messages, self._format.id_length)
        text = self._rendered(messages, request.tools, request.template_variables)
        return Prompt(tuple(self._split(text)), text.replace(GUARD, ""), self._begun(text))

    # -- rendering

    def _rendered(
        self, messages: Sequence[Message], tools: Sequence[Tool], variables: Object
    ) -> str:
        guard = self._guard
        template = self._template if tools else self._plain
        try:
            return template.render(
                {key: guard(value) for key, value in variables.items()},
                messages=[guard(_message(message)) for message in messages],
                tools=[guard(_tool(tool)) for tool in tools] or None,
                documents=None,
                add_generation_prompt=True,
                bos_token=self._vocabulary.bos,
                eos_token=self._vocabulary.eos,
            )
        except Refusal as error:
            raise BadRequest(f"the chat template refuses: {error}", param="messages") from error
        except Exception as error:  # a template is a program, and nobody has vouched for it
            raise BadRequest(f"the chat template fails: {error}", param="messages") from error

    def _check_variables(self, variables: Object) -> None:
        for name in variables:
            if name not in self.variables:
                raise BadRequest(f"this model's chat template takes no {name!r}", param=name)

    def _shows_tools(self) -> bool:
        """Whether a tool's name gets into the prompt at all."""
        tool = Tool("probe_tool_name", "A probe.", {"type": "object", "properties": {}})
        try:
            return tool.name in self._rendered([Speech("user", "Hello")], [tool], {})
        except BadRequest:
            return False

    # -- what is the template's own, and what is the client's

    def _guard(self, value: Json) -> Json:
        """Break what looks like a special token, keeping its text."""
        match value:
            case str():
                return self._guarded(value)
            case list():
                return [self._guard(item) for item in value]
            case dict():
                return {self._guarded(key): self._guard(item) for key, item in value.items()}
        return value

    def _guarded(self, text: str) -> str:
        text = text.replace(GUARD, "")
        said = text.rstrip()
        ends = (said[-length:] for length in range(1, min(self._longest, len(said) + 1)))
        # A token may begin here and go on in the client's next text.
        closed = GUARD if any(end in self._begins for end in ends) else ""
        return self._special.sub(_broken, said) + closed + text[len(said) :]

    def _split(self, text: str) -> Iterator[str | int]:
        at = 0
        for mark in self._special.finditer(text):
            yield from filter(None, text[at : mark.start()].split(GUARD))
            yield self._vocabulary.special[mark.group()]
            at = mark.end()
        yield from filter(None, text[at:].split(GUARD))

    def _begun(self, text: str) -> str:
        opened = self._format.think[0] if self._format.think else ""
        return opened if opened and text.rstrip().endswith(opened.rstrip()) else ""


class Refusal(jinja2.TemplateError):
    """A template called `raise_exception`."""


def _broken(mark: re.Match[str]) -> str:
    return mark.group()[0] + GUARD + mark.group()[1:]


def _message(message: Message) -> Json:
    match message:
        case Speech(role, text):
            return {"role": role, "content": text}
        case Result(text, call_id, name):
            return {"role": "tool", "content": text, "tool_call_id": call_id, "name": name}
        case Reply(text, reasoning, calls):
            said: Object = {"role": "assistant", "content": text}
            if reasoning:
                said["reasoning_content"] = reasoning
            if calls:
                said["tool_calls"] = [_call(call) for call in calls]
            return said


def _call(call: Call) -> Object:
    function: Object = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _tool(tool: Tool) -> Object:
    function: Object = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}


# -- Jinja, as chat templates expect it


def _environment(format: Format) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _Generation],
    )
    environment.filters["tojson"] = _to_json
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


def _to_json(
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
    )


def _as_json(text: str) -> str:
    """`{{ message.content | as_json }}` writes a result that is JSON as it is, else as a string."""
    try:
        parse_json(text)
    except (ValueError, RecursionError):
        return _to_json(text)
    return text


def _raise(message: str) -> NoReturn:
    raise Refusal(message)


class _Generation(Extension):
    """`{% generation %}` marks what a model wrote, for training; here it is transparent."""

    tags = {"generation"}  # noqa: RUF012 - Jinja declares it like this

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return list(parser.parse_statements(("name:endgeneration",), drop_needle=True))
