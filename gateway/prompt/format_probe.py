"""Renders conversations through a chat template, so that its output shows its format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from gateway.chat.messages import Call, Message, Result, Turn
from gateway.formats.format import Format
from gateway.prompt.quirks import ASKED, HELLO, ONE, ONE_CALLED, PROBE
from gateway.prompt.template import SWITCHES, Template

CALL = Call("probe_tool", {"probe_key": "probe_value", "probe_count": 2}, "probecall")
OTHER_CALL = Call("probe_tool", {"probe_key": "probe_other"}, "probemore")
TEXT = Turn("probe_text")
REASONING = "probe_reasoning"
TURNS = (
    Turn(calls=(CALL,)),
    Turn(calls=(CALL, OTHER_CALL)),
    Turn(TEXT.text, calls=(CALL,)),
    Turn(TEXT.text, REASONING, (CALL,)),
    Turn(TEXT.text, REASONING),
)
RESULT = "probe_result"

# The format that a template is rendered with; one that writes calls in this form takes any.
ANY = Format("any", call="<any_call>$name$arguments</any_call>")


@dataclass(frozen=True, slots=True)
class Probe:
    """What a template writes for the probe conversations; "" for one that it rejects.

    prompt            the prompt for a user's message, with a tool
    without_tools     the same without tools
    without_thinking  without tools and with thinking switched off; "" if there is no switch
    result            a conversation in which a call has the result `RESULT`
    turn              writes a conversation that ends with a turn, or with the results of its calls
    removes_up_to     whether the text of an earlier turn is removed up to a marker
    """

    prompt: str
    without_tools: str
    without_thinking: str
    result: str
    turn: Callable[[Turn], str]
    removes_up_to: Callable[[str], bool]


def probe(template: Template) -> Probe:
    """Renders the probe conversations with `template`."""
    # Calls that are rewritten as text would show the format of the rewrite.
    quirks = replace(template.quirks, calls_as_text=False, past_calls_as_text=False)

    def render(*messages: Message) -> str:
        return template.trial([HELLO, *messages], [PROBE], quirks=quirks)

    @cache
    def removes_up_to(marker: str) -> bool:
        text = render(Turn(f"{REASONING}{marker}{TEXT.text}"), ASKED)
        return TEXT.text in text and REASONING not in text

    return Probe(
        prompt=render(),
        without_tools=template.trial([HELLO]),
        without_thinking=_without_thinking(template),
        result=template.trial(
            [HELLO, ONE_CALLED, Result(RESULT, ONE.id)],
            [PROBE],
            quirks=replace(template.quirks, results_as_text=False),
        ),
        turn=lambda turn: render(*_with_results(turn)),
        removes_up_to=removes_up_to,
    )


def _without_thinking(template: Template) -> str:
    if not template.thinking:
        return ""
    off, _ = SWITCHES[template.thinking]
    return template.trial([HELLO], variables={template.thinking: off})


def _with_results(turn: Turn) -> Sequence[Message]:
    return [turn, *(Result(RESULT, call.id, call.name) for call in turn.calls)]
