"""Renders messages and tools into a prompt with a model's chat template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.chat.json import Json, Object
from gateway.chat.messages import Message, PromptParts, Tool, Turn
from gateway.chat.request import Request
from gateway.errors import BadRequest, ConfigError
from gateway.formats.encode import answer_prefix, encode
from gateway.formats.format import Format
from gateway.prompt.jinja import ChatTemplate
from gateway.prompt.quirks import HELLO, PROBE, Quirks, Trial, adapted, adapted_tool, find_quirks
from gateway.prompt.special_tokens import GUARD, Guard
from gateway.prompt.template_values import functions_variables, message_value, tool_value
from gateway.prompt.text_history import TextHistory, WrittenTurn
from gateway.prompt.tool_ids import arrange

OURS = {"messages", "tools", "functions", "documents", "add_generation_prompt"}
OURS |= {"bos_token", "eos_token"}

CONTEXT = 256  # characters at the end of a prompt that may differ when a turn follows

EFFORT = "reasoning_effort"
BUDGET = "thinking_budget"
_NO_VARIABLES: Object = {}

# Variables that switch thinking, with the values for off and on.
SWITCHES: dict[str, tuple[Json, Json]] = {
    "enable_thinking": (False, True),
    "thinking": (False, True),
    "thinking_mode": ("disabled", "enabled"),
    BUDGET: (0, -1),
    EFFORT: ("none", "high"),
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt.

    parts          what the engine takes
    text           the same as one text
    answer_prefix  the part of the answer that the prompt already contains
    turn_start     where the answer's turn begins in the rendered text
    before_turn    the end of the text before it
    turn           the text from there on, which ends with `answer_prefix` and white space
    """

    parts: PromptParts
    text: str
    answer_prefix: str
    turn_start: int
    before_turn: str
    turn: str

    def written_turn(self, text: str, ids: dict[str, str]) -> WrittenTurn:
        """The turn that ends with the generated `text`; `ids` maps clients' ids to the model's."""
        return WrittenTurn(self.turn_start, self.before_turn, self.turn + text, ids)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens that a template uses; `special` maps the text of a special token to its id."""

    bos: str
    eos: str
    special: dict[str, int]


class Template:
    """The chat template of one model, with the model's vocabulary and format.

    `plain` is the template for conversations without tools, if the model has a second one.
    `defaults` are values of variables that a request may set otherwise. Raises ConfigError for one
    that the template does not take.

    variables    what a request may set
    shows_tools  whether the template shows tools to the model
    thinking     the variable that switches thinking; "" if there is none
    quirks       what the template requires, if there are tools
    """

    def __init__(
        self,
        source: str,
        format: Format,
        vocabulary: Vocabulary,
        plain: str | None = None,
        defaults: Object = _NO_VARIABLES,
    ):
        self._format = format
        self._vocabulary = vocabulary
        self._template = ChatTemplate(source, format)
        self._plain = ChatTemplate(plain, format) if plain else self._template
        literals = (*self._template.literals, *self._plain.literals, *format.markers)
        self._guard = Guard(vocabulary.special, literals)
        self.variables = self._template.variables - OURS
        self._defaults = defaults
        if unknown := defaults.keys() - self.variables:
            known = ", ".join(sorted(self.variables)) or "none"
            given = ", ".join(sorted(unknown))
            raise ConfigError(f"chat_template_kwargs: the template takes no {given}, but {known}")
        self._plain_quirks = find_quirks(partial(self._passes, False))
        quirks = find_quirks(partial(self._passes, True))
        self.shows_tools = self._passes(True, Trial((HELLO,), (PROBE.name,)), quirks)
        self.quirks = quirks if self.shows_tools else self._plain_quirks
        self.thinking = self._thinking_switch()

    def split(self, text: str) -> list[str | int]:
        """Returns `text` as engines take it: the ids of special tokens, and the text between."""
        return list(self._guard.split(text))

    def render(self, request: Request, history: TextHistory | None = None) -> Prompt:
        """Renders the prompt, up to where the answer begins; raises BadRequest.

        Turns that are in the `history` are written as the model wrote them.
        """
        if request.tools and not self.shows_tools:
            raise BadRequest(
                "this model's chat template does not show tools to the model; give the model"
                " another `template` in models.yaml",
                param="tools",
            )
        variables = self._variables(request.template_variables, request.thinking_budget)
        quirks = self.quirks if request.tools else self._plain_quirks
        text = self._rendered(request.messages, request.tools, variables, quirks, history)
        prefix = answer_prefix(self._format, text)
        start = text.rindex(prefix.rstrip()) if prefix else len(text)
        parts = tuple(self._guard.split(text))
        before = text[max(0, start - CONTEXT) : start]
        return Prompt(parts, text.replace(GUARD, ""), prefix, start, before, text[start:])

    def trial(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        variables: Object = _NO_VARIABLES,
        quirks: Quirks | None = None,
    ) -> str:
        """Render a conversation as text; "" if the template rejects it."""
        quirks = quirks or (self.quirks if tools else self._plain_quirks)
        try:
            text = self._rendered(messages, tools, variables, quirks, is_trial=True)
        except BadRequest:
            return ""
        return text.replace(GUARD, "")

    # -- rendering

    def _rendered(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        variables: Object,
        quirks: Quirks,
        history: TextHistory | None = None,
        *,
        is_trial: bool = False,
    ) -> str:
        guard = self._guard
        turns = history.find(messages) if history else []
        ids = {id: model_id for turn in turns if turn for id, model_id in turn.ids.items()}
        arranged = [guard.message(m) for m in arrange(messages, self._format.id_length, ids)]
        tool_values: list[Json] = [
            tool_value(guard.tool(adapted_tool(tool, quirks))) for tool in tools
        ]
        template = self._template if tools else self._plain
        values: Object = {
            "messages": [message_value(m, quirks) for m in adapted(arranged, quirks, self._format)],
            "tools": tool_values if tool_values or quirks.empty_tools_list else None,
            "documents": None,
            "add_generation_prompt": True,
            "bos_token": self._vocabulary.bos,
            "eos_token": self._vocabulary.eos,
        }
        values |= functions_variables(tool_values) if quirks.functions_as_text else {}
        values |= {key: guard.value(value) for key, value in variables.items()}
        text = template.render(values, is_trial=is_trial)
        return self._restored(text, arranged, turns)

    def _restored(
        self, text: str, arranged: Sequence[Message], turns: Sequence[WrittenTurn | None]
    ) -> str:
        """`text` with its earlier turns as the model wrote them."""
        messages = (message for message in arranged if isinstance(message, Turn))
        for message, turn in zip(messages, turns, strict=False):
            if turn:
                canonical = encode(self._format, message)
                if self._guard.has_same_tokens(canonical, turn.text):
                    text = turn.restore(text, canonical)
        return text

    def _passes(self, with_tools: bool, trial: Trial, quirks: Quirks) -> bool:
        text = self.trial(trial.messages, [trial.tool] if with_tools else [], quirks=quirks)
        has_all = all(words in text for words in trial.shown)
        return bool(text) and has_all and not any(words in text for words in trial.not_shown)

    # -- variables

    def _variables(self, requested: Object, budget: int | None) -> Object:
        """The template's variables for a request; raises BadRequest for an unknown one.

        `reasoning_effort` and `thinking_budget` are allowed for every model. If the template does
        not take the effort, it sets the variable that switches thinking, if there is one.
        """
        for name in requested:
            if name not in self.variables and name not in (EFFORT, BUDGET):
                raise BadRequest(f"this model's chat template takes no {name!r}", param=name)
        named = {**self._defaults, **requested}
        values = {name: value for name, value in named.items() if name in self.variables}
        if BUDGET in self.variables and budget is not None and requested.get(EFFORT) != "none":
            values.setdefault(BUDGET, budget)
        if EFFORT in requested and self.thinking:
            off, on = SWITCHES[self.thinking]
            values.setdefault(self.thinking, off if requested[EFFORT] == "none" else on)
        return values

    def _thinking_switch(self) -> str:
        for name, settings in SWITCHES.items():
            if name in self.variables and self._has_effect(name, *settings):
                return name
        return ""

    def _has_effect(self, name: str, *settings: Json) -> bool:
        texts = {self.trial([HELLO], variables={name: setting}) for setting in settings}
        return len(texts) > 1 and "" not in texts
