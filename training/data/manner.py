"""Varies the style of requests: greetings, punctuation, capitals, typing errors."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from training.data.client import Client
from training.data.language import ENGLISH
from training.data.request import Request
from training.data.setting import Setting
from training.data.utterance import (
    Utterance,
    continued,
    ends,
    joined,
    mistyped,
    opened,
    unpunctuated,
)

SENTENCE_ENDS = ".!?:"
# Between two requests in one sentence, or in two.
JOINS = (", and ", " and ", ", then ", "; also ", ", plus ", " and also ", ", and then ")
WITHOUT_TOOLS = (
    *(" Don't use a tool.", " Do not use any tool.", " No tools, please.", " Just tell me."),
    *(" Answer yourself.", " You don't need a tool for that.", " And no tool calls, please."),
)
BREAKS = (" Also, ", " ", " And ", "\n", " Oh, and ", " Besides, ", " One more thing: ")


def mannered(request: Request, client: Client, random: Random) -> Request:
    """`request` in a random style."""
    setting, catalogue = client.setting, client.catalogue
    wording = request.wording
    if random.random() < setting.unpunctuated:
        wording = unpunctuated(wording)
    if request.language != ENGLISH:
        return replace(request, wording=wording)
    if catalogue.before and random.random() < setting.mannered:
        wording = preceded(random.choice(catalogue.before), wording)
    if catalogue.after and random.random() < setting.mannered:
        wording = followed(wording, random.choice(catalogue.after))
    if random.random() < setting.mistyped:
        wording = mistyped(wording, random)
    request = replace(request, wording=wording)
    if random.random() < setting.small:
        return request.lowered(with_values=random.random() < 0.4)
    return request


def casual(talk: str, setting: Setting, random: Random) -> str:
    """Small talk, sometimes without punctuation or capitals, or with a remark about tools."""
    if talk.endswith(("?", ".")) and random.random() < setting.toolless:
        return talk + random.choice(WITHOUT_TOOLS)
    if random.random() < setting.unpunctuated:
        talk = talk.rstrip(".!?")
    return talk.lower() if random.random() < setting.small else talk


def preceded(before: str, wording: Utterance) -> Utterance:
    ended = before.rstrip().endswith(tuple(SENTENCE_ENDS))
    return joined(before, opened(wording) if ended else continued(wording))


def followed(wording: Utterance, after: str) -> Utterance:
    """Append `after`; one in lower case continues the sentence, so it cannot follow a question."""
    if after.strip()[:1].islower() or after.strip() == "!!":
        return wording if ends(wording, "?!") else joined(unpunctuated(wording), after)
    if after.strip()[:1].isupper() and not ends(wording, SENTENCE_ENDS):
        return joined(wording, ".", after)
    return joined(wording, after)


def both(first: Request, second: Request, random: Random) -> Request:
    """Two requests in one message."""
    calls = first.calls + second.calls
    if first.language != ENGLISH:
        return Request(joined(first.wording, "\n", second.wording), calls)
    if ends(first.wording, "?!") or random.random() < 0.4:
        return Request(_broken(first.wording, second.wording, random), calls)
    between = random.choice(JOINS)
    return Request(joined(unpunctuated(first.wording), between, continued(second.wording)), calls)


def _broken(first: Utterance, second: Utterance, random: Random) -> Utterance:
    between = random.choice(BREAKS)
    is_new = between.isspace()
    mark = "" if ends(first, SENTENCE_ENDS) or between == "\n" else "."
    return joined(first, mark, between, opened(second) if is_new else continued(second))
