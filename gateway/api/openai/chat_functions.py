"""Functions, which the OpenAI API had before it had tools: one call at most, and without an id.

Source: https://platform.openai.com/docs/api-reference/chat/create, `functions` and `function_call`
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from gateway.api.openai.chat_body import Function, FunctionName, NamedTool
from gateway.api.openai.chat_tools import to_tool_choice
from gateway.api.serving import Renderer
from gateway.api.tools import DeclaredTool, checked_tools
from gateway.chat.events import Answer, AnswerEvent
from gateway.chat.json import Object
from gateway.chat.messages import Tool
from gateway.chat.request import ToolChoice
from gateway.config.limits import Limits
from gateway.errors import GatewayError


def to_function_tools(functions: Sequence[Function], limits: Limits = Limits()) -> tuple[Tool, ...]:
    """Returns the tools; raises BadRequest for a bad name, or an invalid or too large schema."""
    declared = (
        DeclaredTool(f"functions.{i}", one.name, one.description, one.parameters)
        for i, one in enumerate(functions)
    )
    return checked_tools(declared, limits)


def to_function_choice(
    choice: Literal["none", "auto"] | FunctionName | None, tools: Sequence[Tool]
) -> ToolChoice:
    """Returns which of `tools` may be called; raises BadRequest for a name not in `tools`."""
    if isinstance(choice, FunctionName):
        named = NamedTool(type="function", function=choice)
        return to_tool_choice(named, tools, parallel=False)
    return to_tool_choice(choice, tools, parallel=False)


class FunctionsRenderer:
    """Renders what `renderer` does, with the call of a function instead of those of tools."""

    def __init__(self, renderer: Renderer):
        self._renderer = renderer

    def render(self, index: int, event: AnswerEvent) -> Iterator[Object]:
        return map(_with_function, self._renderer.render(index, event))

    def end(self) -> Iterator[Object]:
        return self._renderer.end()

    def failed(self, error: GatewayError) -> Iterator[Object]:
        return self._renderer.failed(error)

    def whole(self, answers: Sequence[Answer]) -> Object:
        return _with_function(self._renderer.whole(answers))


def _with_function(rendered: Object) -> Object:
    """A chunk or a completion, in which each choice has its one call as `function_call`."""
    choices: Any = rendered["choices"]
    for choice in choices:
        part = choice.get("message") or choice["delta"]
        for call in part.pop("tool_calls", ()):
            part["function_call"] = call["function"]
        if choice["finish_reason"] == "tool_calls":
            choice["finish_reason"] = "function_call"
    return rendered
