"""A chat template -> the format of its family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from gateway.chat.messages import Message, Result, Turn
from gateway.errors import ConfigError
from gateway.formats.format import Format
from gateway.prompt.format_probe import ANY, GAVE, SAID, Shown, detect, detect_thoughts
from gateway.prompt.quirks import ASKED, HELLO, ONE, ONE_CALLED, PROBE
from gateway.prompt.template import SWITCHES, Template, Vocabulary


def format_of(source: str, vocabulary: Vocabulary) -> Format:
    """The format that a chat template writes calls in; raises ConfigError if none is known."""
    template = Template(source, ANY, vocabulary)
    found = shown(template)
    try:
        return detect(found)
    except ConfigError:
        if template.shows_tools:
            raise
        return detect_thoughts(found)  # nothing can be called


def shown(template: Template) -> Shown:
    """What the template makes of conversations that tell its format."""
    # A call that is told as text says nothing of the template.
    needs = replace(template.needs, calls_as_text=False, past_calls_as_text=False)

    def write(*more: Message) -> str:
        return template.trial([HELLO, *more], [PROBE], needs=needs)

    @cache
    def cuts(mark: str) -> bool:
        text = write(Turn(f"probe_thought{mark}{SAID.text}"), ASKED)
        return SAID.text in text and "probe_thought" not in text

    return Shown(
        prompt=write(),
        plain=template.trial([HELLO]),
        quiet=_quiet(template),
        result=template.trial(
            [HELLO, ONE_CALLED, Result(GAVE, ONE.id)],
            [PROBE],
            needs=replace(template.needs, results_as_text=False),
        ),
        turn=lambda turn: write(*_said(turn)),
        cuts=cuts,
    )


def _quiet(template: Template) -> str:
    if not template.thinking:
        return ""
    off, _ = SWITCHES[template.thinking]
    return template.trial([HELLO], variables={template.thinking: off})


def _said(turn: Turn) -> Sequence[Message]:
    results = (Result(GAVE, call.id, call.name) for call in turn.calls)
    return [turn, *results]
