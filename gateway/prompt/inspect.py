"""What a chat template does and demands, found by trying, and what the gateway does about it."""

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
from gateway.prompt.detect_format import format_of
from gateway.prompt.quirks import (
    ASKED,
    HELLO,
    ONE,
    ONE_CALLED,
    ONE_GAVE,
    PROBE,
    SAID,
    TWO_CALLED,
    TWO_GAVE,
)
from gateway.prompt.template import SWITCHES, Template, Vocabulary

LONG_ID = "call_0123456789abcdef"
SETTINGS: tuple[Json, ...] = (True, False, "probe", ["probe"])
NO_CALLS = "no call can be written"


def report(
    source: str, vocabulary: Vocabulary, ours: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What is found of the template `source`, each with its name.

    `ours` are the templates that might stand in for it, name to source. Raises ConfigError if
    `source` is no template.
    """
    try:
        format, reason = format_of(source, vocabulary), ""
    except ConfigError as error:
        format, reason = FAMILIES["hermes"], f"unknown: {error.message}"
    template = Template(source, format, vocabulary)
    writes_calls = template.shows_tools or not template.needs.calls_as_text
    yield "format", reason or (format.name if writes_calls else "none: it knows no calls")
    yield "tools", _tools(template)
    if not template.shows_tools:
        yield "instead", _instead(source, vocabulary, ours)
    yield "arguments", _arguments(template)
    yield "ids", _ids(template)
    yield "results", _results(template)
    yield "system", _system(template)
    yield "turns", _turns(template)
    yield "reasoning", _reasoning(template, format)
    yield "variables", ", ".join(_variables(template)) or "none of its own"
    yield "adapted", str(template.needs) or "nothing"


def _tools(template: Template) -> str:
    if not template.shows_tools:
        return "NOT shown to the model; what asks for tools is refused"
    if template.needs.functions_as_text:
        return "taken as JSON text, in `functions`"
    return "taken in `tools`"


def _instead(source: str, vocabulary: Vocabulary, ours: Mapping[str, str]) -> str:
    """Those of ours that go on from what was asked as this one does, thoughts apart."""

    def going_on(text: str) -> str:
        written = Template(text, FAMILIES["qwen3"], vocabulary).trial([HELLO, SAID, ASKED])
        return re.sub(r"</?think>|\s", "", written.partition(HELLO.text)[2])

    turns = going_on(source)
    alike = [f"`template: {name}`" for name, text in ours.items() if going_on(text) == turns]
    return f"{', '.join(alike)}, with a `format`" if alike else "none of templates/ has its turns"


def _arguments(template: Template) -> str:
    if template.needs.calls_as_text:
        return NO_CALLS + "; past ones are told as text"
    return "JSON strings" if template.needs.arguments_as_text else "objects"


def _ids(template: Template) -> str:
    if template.needs.calls_as_text:
        return NO_CALLS
    if ONE.id not in template.trial([HELLO, ONE_CALLED, ONE_GAVE], [PROBE]):
        return "not written"
    call, result = replace(ONE, id=LONG_ID), replace(ONE_GAVE, call_id=LONG_ID)
    is_free = LONG_ID in template.trial([HELLO, Turn(calls=(call,)), result], [PROBE])
    return "written as they are" if is_free else f"written; of {len(ONE.id)} letters and digits"


def _results(template: Template) -> str:
    """How the result of a call is told from that of another."""
    if template.needs.results_as_text:
        return "told by the user, in the order of their calls"
    text = template.trial([HELLO, TWO_CALLED, ONE_GAVE, TWO_GAVE], [PROBE])
    around = text[text.rfind("two_asked") : text.rfind("two_gave") + 80].replace("two_asked", "")
    ways = {"id": ONE.id in around, "name": PROBE.name in around}
    told = " and ".join(f"the {way} of its call" for way, is_so in ways.items() if is_so)
    return (
        f"in the order of their calls, each with {told}" if told else "in the order of their calls"
    )


def _system(template: Template) -> str:
    if template.needs.system_in_user:
        return "no role of its own: at the head of the first user message"
    if template.needs.one_system_text:
        return "a role of its own, one message, the first"
    return "a role of its own"


def _turns(template: Template) -> str:
    needs = template.needs
    demands = {
        "user and assistant alternate": needs.alternating,
        "the user speaks first": needs.user_first,
        "one call a turn": needs.one_call_a_turn,
        "text or calls, not both": needs.text_apart or needs.text_answered,
    }
    return ", ".join(name for name, is_so in demands.items() if is_so) or "in any order"


def _reasoning(template: Template, format: Format) -> str:
    marks = " … ".join(map(repr, format.think)) if format.think else "none that is known"
    return f"{marks}; {_thoughts(template)}{_opened(template, format)}{_switch(template)}"


def _variables(template: Template) -> list[str]:
    """Those that make a difference to a prompt."""
    known = {"", template.trial([HELLO], [PROBE])}
    return [
        name
        for name in sorted(template.variables)
        if any(template.trial([HELLO], [PROBE], {name: v}) not in known for v in SETTINGS)
    ]


def _thoughts(template: Template) -> str:
    thought = replace(SAID, reasoning="model_thought")
    if "model_thought" in template.trial([HELLO, thought, ASKED]):
        return "thoughts stay in the history"
    called = replace(ONE_CALLED, reasoning="model_thought")
    if "model_thought" in template.trial([HELLO, called, ONE_GAVE], [PROBE]):
        return "thoughts stay until the user speaks again"
    return "thoughts are not written into the history"


def _opened(template: Template, format: Format) -> str:
    opened = answer_prefix(format, template.trial([HELLO]))
    return f"; the prompt opens with {opened!r}" if opened else ""


def _switch(template: Template) -> str:
    if not template.thinking:
        return ""
    off, on = SWITCHES[template.thinking]
    return f"; switched by {template.thinking}, {off!r} or {on!r}"
