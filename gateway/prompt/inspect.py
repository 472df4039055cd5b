"""Reports what a chat template does and requires, for `tool-gateway check --template`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gateway.chat.json import Json
from gateway.chat.messages import Turn
from gateway.errors import ConfigError
from gateway.formats.encode import answer_prefix
from gateway.formats.families import FAMILIES
from gateway.formats.format import Format
from gateway.prompt.detect_format import detect_format
from gateway.prompt.quirks import (
    ASKED,
    HELLO,
    ONE,
    ONE_CALLED,
    ONE_RESULT,
    PROBE,
    SAID,
    TWO_CALLED,
    TWO_RESULT,
)
from gateway.prompt.template import SWITCHES, Template, Vocabulary

LONG_ID = "call_0123456789abcdef"
SETTINGS: tuple[Json, ...] = (True, False, "probe", ["probe"])
NO_CALLS = "calls are not written"


def report(
    source: str, vocabulary: Vocabulary, ours: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yields each finding about the template `source`, with its name.

    `ours` maps the names of templates that may replace it to their sources. Raises ConfigError if
    `source` is not a template.
    """
    try:
        format, reason = detect_format(source, vocabulary), ""
    except ConfigError as error:
        format, reason = FAMILIES["hermes"], f"unknown: {error.message}"
    template = Template(source, format, vocabulary)
    writes_calls = template.shows_tools or not template.quirks.calls_as_text
    yield "format", reason or (format.name if writes_calls else "none: it does not write calls")
    yield "tools", _tools(template)
    if not template.shows_tools:
        yield "instead", _replacements(source, vocabulary, ours)
    yield "arguments", _arguments(template)
    yield "ids", _ids(template)
    yield "results", _results(template)
    yield "system", _system(template)
    yield "turns", _turns(template)
    yield "reasoning", _reasoning(template, format)
    yield "variables", ", ".join(_variables(template)) or "none of its own"
    yield "adapted", str(template.quirks) or "nothing"


def _tools(template: Template) -> str:
    if not template.shows_tools:
        return "NOT shown to the model; requests with tools are rejected"
    if template.quirks.functions_as_text:
        return "as JSON text, in `functions`"
    return "in `tools`"


def _replacements(source: str, vocabulary: Vocabulary, ours: Mapping[str, str]) -> str:
    same = [f"`template: {name}`" for name in with_same_turns(source, vocabulary, ours)]
    return f"{', '.join(same)}, with a `format`" if same else "no file in templates/ has its turns"


def with_same_turns(source: str, vocabulary: Vocabulary, ours: Mapping[str, str]) -> list[str]:
    """The names of those of our templates that write turns as `source` does, but for reasoning."""

    def turns(text: str) -> str:
        written = Template(text, FAMILIES["qwen3"], vocabulary).trial([HELLO, SAID, ASKED])
        return re.sub(r"</?think>|\s", "", written.partition(HELLO.text)[2])

    own = turns(source)
    return [name for name, text in ours.items() if turns(text) == own]


def _arguments(template: Template) -> str:
    if template.quirks.calls_as_text:
        return NO_CALLS + "; earlier ones are part of the text"
    return "JSON strings" if template.quirks.arguments_as_text else "objects"


def _ids(template: Template) -> str:
    if template.quirks.calls_as_text:
        return NO_CALLS
    if ONE.id not in template.trial([HELLO, ONE_CALLED, ONE_RESULT], [PROBE]):
        return "not written"
    call, result = replace(ONE, id=LONG_ID), replace(ONE_RESULT, call_id=LONG_ID)
    is_free = LONG_ID in template.trial([HELLO, Turn(calls=(call,)), result], [PROBE])
    return "written as given" if is_free else f"written; {len(ONE.id)} letters and digits"


def _results(template: Template) -> str:
    """How the template shows which call a result belongs to."""
    if template.quirks.results_as_text:
        return "as user messages, in the order of their calls"
    text = template.trial([HELLO, TWO_CALLED, ONE_RESULT, TWO_RESULT], [PROBE])
    around = text[text.rfind("two_asked") : text.rfind("two_result") + 80].replace("two_asked", "")
    shown = {"id": ONE.id in around, "name": PROBE.name in around}
    keys = " and ".join(f"the {key} of its call" for key, is_shown in shown.items() if is_shown)
    return "in the order of their calls" + (f", each with {keys}" if keys else "")


def _system(template: Template) -> str:
    if template.quirks.system_in_user:
        return "no role of its own; at the start of the first user message"
    if template.quirks.one_system_message:
        return "a role of its own; one message, which comes first"
    return "a role of its own"


def _turns(template: Template) -> str:
    quirks = template.quirks
    requirements = {
        "user and assistant alternate": quirks.alternating_roles,
        "the first message is a user's": quirks.user_first,
        "one call per turn": quirks.one_call_per_turn,
        "text or calls, not both": quirks.text_in_own_turn or quirks.user_between_turns,
    }
    return ", ".join(name for name, is_so in requirements.items() if is_so) or "in any order"


def _reasoning(template: Template, format: Format) -> str:
    marks = " … ".join(map(repr, format.think)) if format.think else "no known markers"
    return f"{marks}; {_history(template)}{_prefix(template, format)}{_switch(template)}"


def _variables(template: Template) -> list[str]:
    """The variables that change a prompt."""
    known = {"", template.trial([HELLO], [PROBE])}
    return [
        name
        for name in sorted(template.variables)
        if any(template.trial([HELLO], [PROBE], {name: v}) not in known for v in SETTINGS)
    ]


def _history(template: Template) -> str:
    turn = replace(SAID, reasoning="model_thought")
    if "model_thought" in template.trial([HELLO, turn, ASKED]):
        return "reasoning stays in the history"
    called = replace(ONE_CALLED, reasoning="model_thought")
    if "model_thought" in template.trial([HELLO, called, ONE_RESULT], [PROBE]):
        return "reasoning stays in the history until the next user message"
    return "reasoning is not written into the history"


def _prefix(template: Template, format: Format) -> str:
    prefix = answer_prefix(format, template.trial([HELLO]))
    return f"; the prompt ends with {prefix!r}" if prefix else ""


def _switch(template: Template) -> str:
    if not template.thinking:
        return ""
    off, on = SWITCHES[template.thinking]
    return f"; switched by {template.thinking}: {off!r} or {on!r}"
