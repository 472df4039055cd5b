"""What decides how the text of an answer is read: all that a `Transcript` needs, as JSON.

A capture has it, so that its text can be read again without the API and the model of the request.
"""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.chat.messages import Call, TextGrammar, Tool, Turn
from gateway.chat.request import Request, ToolChoice
from gateway.engine.generation import Opening
from gateway.errors import BadRequest
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.generate.constraint import Constraint
from gateway.generate.transcript import Transcript, answered_calls


class ReadTool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool; `grammar` is what the input of a custom tool must match."""

    name: str
    parameters: dict[str, Any]
    is_custom: bool = False
    grammar: TextGrammar | None = None


class ReadCall(msgspec.Struct, frozen=True):
    """A call that has its result."""

    name: str
    arguments: dict[str, Any]
    id: str = ""


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """The format by its name, and those parts of a `Request` and of a model that matter.

    `answered_calls` are the calls since the user spoke last. `weighs_opening` says that the engine
    told how probable a call was, and `threshold` is the least probability at which one is made.
    """

    format: str
    tools: list[ReadTool] = []
    tool_choice: ToolChoice = ToolChoice()
    response_schema: dict[str, Any] | None = None
    stop: list[str] = []
    whole_calls: bool = False
    json_calls: bool = True
    weighs_opening: bool = False
    threshold: float | None = None
    call_probability: bool = False
    thinking_budget: int | None = None
    answered_calls: list[ReadCall] = []

    @classmethod
    def of(
        cls,
        request: Request,
        format: Format,
        *,
        whole_calls: bool,
        json_calls: bool,
        opening: Opening | None,
    ) -> Reading:
        """Returns how the answers to `request` are read."""
        return cls(
            format.name,
            [ReadTool(t.name, t.parameters, t.is_custom, t.input_grammar) for t in request.tools],
            request.tool_choice,
            request.response_schema,
            [*request.stop],
            whole_calls,
            json_calls,
            opening is not None,
            opening.threshold if opening else None,
            request.tool_call_probability,
            request.thinking_budget,
            [ReadCall(c.name, c.arguments, c.id) for c in answered_calls(request)],
        )

    def transcript(self, answer_prefix: str) -> Transcript:
        """Returns what reads an answer; raises BadRequest for a format that does not exist."""
        if self.format not in FAMILIES:
            raise BadRequest(f"no format {self.format!r}", param="format")
        format, request = FAMILIES[self.format], self._request()
        return Transcript(
            request,
            format,
            answer_prefix,
            Constraint(request, format, answer_prefix, {}, json_calls=self.json_calls),
            whole_calls=self.whole_calls,
            json_calls=self.json_calls,
            opening=Opening("", self.threshold) if self.weighs_opening else None,
        )

    def _request(self) -> Request:
        calls = tuple(Call(c.name, c.arguments, c.id) for c in self.answered_calls)
        tools = tuple(
            Tool(t.name, "", t.parameters, is_custom=t.is_custom, input_grammar=t.grammar)
            for t in self.tools
        )
        return Request(
            model="",
            messages=(Turn(calls=calls),) if calls else (),
            tools=tools,
            tool_choice=self.tool_choice,
            response_schema=self.response_schema,
            stop=tuple(self.stop),
            thinking_budget=self.thinking_budget,
            tool_call_probability=self.call_probability,
        )
