"""Messages -> prompt, by a chat template.

Control tokens come only from the template: what a client wrote is guarded before rendering, so
that `<|im_end|>` typed by a user reaches the model as the plain text it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.errors import BadRequest
from gateway.history import arrange, one_call_a_turn, system_in_user
from gateway.jinja import Refusal, compiled, to_json
from gateway.request import Message, Reply, Request, Result, Speech
from gateway.turns import Call, Json, Object, Tool
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


@dataclass(frozen=True, slots=True)
class Needs:
    """What a template demands that most do not."""

    one_call_a_turn: bool = False
    system_in_user: bool = False
    arguments_as_text: bool = False

    def __str__(self) -> str:
        found = [name.replace("_", " ") for name in self.__slots__ if getattr(self, name)]
        return ", ".join(found)


class Template:
    """One chat template, for one model's vocabulary and format.

    `plain` is what to write a conversation without tools with, if the model has a second one.
    """

    def __init__(
        self, source: str, format: Format, vocabulary: Vocabulary, plain: str | None = None
    ):
        self._format = format
        self._vocabulary = vocabulary
        self._template, asked = compiled(source, format)
        self._plain = compiled(plain, format)[0] if plain else self._template
        self.variables = asked - OURS
        marks = sorted(filter(None, vocabulary.special), key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, marks)) or r"(?!)")
        self._begins = {mark[:end] for mark in marks for end in range(1, len(mark))}
        self._longest = len(marks[0]) if marks else 0
        self.shows_tools = self._writes(PROBE.name, [HELLO], [PROBE], Needs())
        self.needs = self._needs()

    def render(self, request: Request) -> Prompt:
        """Write the prompt, up to where the answer begins; raises BadRequest."""
        if request.tools and not self.shows_tools:
            raise BadRequest(
                "this model's chat template does not show tools to the model; give the model"
                " another `template` in models.yaml",
                param="tools",
            )
        self._check_variables(request.template_variables)
        variables = request.template_variables
        text = self._rendered(request.messages, request.tools, variables, self.needs)
        return Prompt(tuple(self._split(text)), text.replace(GUARD, ""), self._begun(text))

    # -- rendering

    def _rendered(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        variables: Object,
        needs: Needs,
    ) -> str:
        messages = _fitted(arrange(messages, self._format.id_length), needs)
        guard = self._guard
        template = self._template if tools else self._plain
        try:
            return template.render(
                {key: guard(value) for key, value in variables.items()},
                messages=[guard(_message(message, needs)) for message in messages],
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

    # -- what the template can and cannot write, found by trying

    def _needs(self) -> Needs:
        """What helps where the usual way fails."""
        tools = [PROBE] if self.shows_tools else []
        told: list[Message] = [Speech("system", "Be brief."), HELLO]
        one: list[Message] = [HELLO, Reply(calls=(ASKED,)), Result("1", ASKED.id)]
        two: list[Message] = [HELLO, Reply(calls=(ASKED, AGAIN)), one[-1], Result("2", AGAIN.id)]
        needs = self._helped(Needs(), "system_in_user", "Be brief.", told, [])
        needs = self._helped(needs, "arguments_as_text", "", one, tools)
        return self._helped(needs, "one_call_a_turn", "", two, tools)

    def _helped(
        self,
        needs: Needs,
        by: str,
        shown: str,
        messages: Sequence[Message],
        tools: Sequence[Tool],
    ) -> Needs:
        if self._writes(shown, messages, tools, needs):
            return needs
        more = replace(needs, **{by: True})
        return more if self._writes(shown, messages, tools, more) else needs

    def _writes(
        self, shown: str, messages: Sequence[Message], tools: Sequence[Tool], needs: Needs
    ) -> bool:
        try:
            return shown in self._rendered(messages, tools, {}, needs)
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


HELLO = Speech("user", "Hello")
PROBE = Tool("probe_tool_name", "A probe.", {"type": "object", "properties": {}})
ASKED = Call(PROBE.name, {"probe": "x"}, "probecall")
AGAIN = Call(PROBE.name, {"probe": "y"}, "probemore")


def _broken(mark: re.Match[str]) -> str:
    return mark.group()[0] + GUARD + mark.group()[1:]


def _fitted(messages: list[Message], needs: Needs) -> list[Message]:
    if needs.system_in_user:
        messages = system_in_user(messages)
    return one_call_a_turn(messages) if needs.one_call_a_turn else messages


def _message(message: Message, needs: Needs) -> Json:
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
                said["tool_calls"] = [_call(call, needs) for call in calls]
            return said


def _call(call: Call, needs: Needs) -> Object:
    arguments = to_json(call.arguments) if needs.arguments_as_text else call.arguments
    function: Object = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _tool(tool: Tool) -> Object:
    function: Object = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}
