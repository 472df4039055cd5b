"""Messages -> prompt, by a chat template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from gateway.chat.json import Json, Object
from gateway.chat.messages import Call, Message, Result, Speech, Tool, Turn
from gateway.chat.request import Request
from gateway.errors import BadRequest
from gateway.formats.encode import answer_prefix, encode
from gateway.formats.format import Format
from gateway.prompt.jinja import ChatTemplate, to_json
from gateway.prompt.quirks import HELLO, PROBE, Needs, Trial, fitted, fitted_tool, found
from gateway.prompt.special_tokens import GUARD, Guard
from gateway.prompt.text_history import Said, Written
from gateway.prompt.tool_ids import arrange

OURS = {"messages", "tools", "functions", "documents", "add_generation_prompt"}
OURS |= {"bos_token", "eos_token"}

BEFORE = 256  # characters: a prompt's end, in which templates write otherwise

EFFORT = "reasoning_effort"
BUDGET = "thinking_budget"
_NONE: Object = {}

# The variables that switch thinking, with what switches it off and on.
SWITCHES: dict[str, tuple[Json, Json]] = {
    "enable_thinking": (False, True),
    "thinking": (False, True),
    "thinking_mode": ("disabled", "enabled"),
    BUDGET: (0, -1),
    EFFORT: ("none", "high"),
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """Plain text and special tokens' ids in turn; they end with `answer_prefix`.

    The answer's turn begins at `start` of what was rendered, after `before`, with `lead`.
    """

    parts: tuple[str | int, ...]
    text: str
    answer_prefix: str
    start: int
    before: str
    lead: str


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
        self._guard = Guard(vocabulary.special)
        self._template = ChatTemplate(source, format)
        self._plain = ChatTemplate(plain, format) if plain else self._template
        self.variables = self._template.asked - OURS
        self._plain_needs = found(partial(self._writes, False))
        tool_needs = found(partial(self._writes, True))
        self.shows_tools = self._writes(True, Trial((HELLO,), (PROBE.name,)), tool_needs)
        self.needs = tool_needs if self.shows_tools else self._plain_needs
        self.thinking = self._thinking()

    def render(self, request: Request, said: Said | None = None) -> Prompt:
        """Write the prompt, up to where the answer begins; raises BadRequest.

        Turns that are `said` again are written as they were.
        """
        if request.tools and not self.shows_tools:
            raise BadRequest(
                "this model's chat template does not show tools to the model; give the model"
                " another `template` in models.yaml",
                param="tools",
            )
        variables = self._variables(request.template_variables, request.thinking_budget)
        needs = self.needs if request.tools else self._plain_needs
        text = self._rendered(request.messages, request.tools, variables, needs, said)
        opened = answer_prefix(self._format, text)
        start = text.rindex(opened.rstrip()) if opened else len(text)
        parts = tuple(self._guard.split(text))
        before = text[max(0, start - BEFORE) : start]
        return Prompt(parts, text.replace(GUARD, ""), opened, start, before, text[start:])

    def trial(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        variables: Object = _NONE,
        needs: Needs | None = None,
    ) -> str:
        """The text of a conversation, without end; "" if the template refuses it."""
        needs = needs or (self.needs if tools else self._plain_needs)
        try:
            text = self._rendered(messages, tools, variables, needs, is_trial=True)
        except BadRequest:
            return ""
        return text.replace(GUARD, "")

    # -- rendering

    def _rendered(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        variables: Object,
        needs: Needs,
        said: Said | None = None,
        *,
        is_trial: bool = False,
    ) -> str:
        guard = self._guard
        turns = said.replies(messages) if said else []
        ids = {given: own for turn in turns if turn for given, own in turn.ids.items()}
        arranged = [guard.message(m) for m in arrange(messages, self._format.id_length, ids)]
        told = [guard.value(_tool(fitted_tool(tool, needs))) for tool in tools]
        template = self._template if tools else self._plain
        given: Object = {
            "messages": [_message(m, needs) for m in fitted(arranged, needs, self._format)],
            "tools": told if told or needs.tools_listed else None,
            "documents": None,
            "add_generation_prompt": True,
            "bos_token": self._vocabulary.bos,
            "eos_token": self._vocabulary.eos,
        }
        given |= _functions(told) if needs.functions_as_text else {}
        given |= {key: guard.value(value) for key, value in variables.items()}
        text = template.render(given, is_trial=is_trial)
        return self._again(text, arranged, turns)

    def _again(
        self, text: str, arranged: Sequence[Message], turns: Sequence[Written | None]
    ) -> str:
        """`text` with the `turns` of its replies as they were written."""
        replies = (message for message in arranged if isinstance(message, Turn))
        for reply, turn in zip(replies, turns, strict=False):
            if turn:
                canonical = encode(self._format, reply)
                if self._guard.passes(canonical, turn.text):
                    text = turn.again(text, canonical)
        return text

    def _writes(self, with_tools: bool, trial: Trial, needs: Needs) -> bool:
        text = self.trial(trial.messages, [trial.tool] if with_tools else [], needs=needs)
        is_foreign = any(words in text for words in trial.unshown)
        return bool(text) and all(words in text for words in trial.shown) and not is_foreign

    # -- variables

    def _variables(self, asked: Object, budget: int | None) -> Object:
        """What is asked in the template's own terms; raises BadRequest for what it does not take.

        Effort and a budget are for every model: a template that does not take effort has its
        thinking switched, or nothing to switch; one that takes a budget tells it to the model.
        """
        for name in asked:
            if name not in self.variables and name not in (EFFORT, BUDGET):
                raise BadRequest(f"this model's chat template takes no {name!r}", param=name)
        taken = {name: value for name, value in asked.items() if name in self.variables}
        if BUDGET in self.variables and budget is not None and asked.get(EFFORT) != "none":
            taken.setdefault(BUDGET, budget)
        if EFFORT in asked and self.thinking:
            off, on = SWITCHES[self.thinking]
            taken.setdefault(self.thinking, off if asked[EFFORT] == "none" else on)
        return taken

    def _thinking(self) -> str:
        """The variable that switches thinking, if there is one."""
        for name, settings in SWITCHES.items():
            if name in self.variables and self._changes(name, *settings):
                return name
        return ""

    def _changes(self, name: str, *settings: Json) -> bool:
        texts = {self.trial([HELLO], variables={name: setting}) for setting in settings}
        return len(texts) > 1 and "" not in texts


def _message(message: Message, needs: Needs) -> Json:
    match message:
        case Speech(role, text):
            return {"role": role, "content": text}
        case Result(text, call_id, name):
            return {"role": "tool", "content": text, "tool_call_id": call_id, "name": name}
        case Turn(text, reasoning, calls):
            said = {"role": "assistant", "content": text} | _reasoning(text, reasoning, needs)
            if calls:
                said["tool_calls"] = [_call(call, needs) for call in calls]
            return said


def _reasoning(text: str, reasoning: str, needs: Needs) -> Object:
    """What was thought, under the key that a template looks it up by."""
    if not reasoning:
        return {}
    if needs.reasoning_as_part:
        thought: Json = {"type": "thinking", "thinking": reasoning}
        return {"content": [thought, {"type": "text", "text": text}] if text else [thought]}
    if needs.reasoning_as_thinking:
        return {"thinking": reasoning}
    return {"reasoning" if needs.reasoning_as_reasoning else "reasoning_content": reasoning}


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


def _functions(tools: list[Json]) -> Object:
    """Tools as Firefunction's template takes them, and the time."""
    functions = [tool["function"] for tool in tools if isinstance(tool, dict)]
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    return {"functions": to_json(list(functions), indent=4), "datetime": now}
