"""How a request is written: with a greeting or without, in a hurry or with care."""

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
# What stands between two requests in a sentence, or after one.
JOINS = (", and ", " and ", ", then ", "; also ", ", plus ", " and also ", ", and then ")
WITHOUT_TOOLS = (
    *(" Don't use a tool.", " Do not use any tool.", " No tools, please.", " Just tell me."),
    *(" Answer yourself.", " You don't need a tool for that.", " And no tool calls, please."),
)
BREAKS = (" Also, ", " ", " And ", "\n", " Oh, and ", " Besides, ", " One more thing: ")


def mannered(request: Request, client: Client, random: Random) -> Request:
    """`request` as one of many people would write it."""
    setting, catalogue = client.setting, client.catalogue
    said = request.said
    if random.random() < setting.unpunctuated:
        said = unpunctuated(said)
    if request.language != ENGLISH:
        return replace(request, said=said)
    if catalogue.before and random.random() < setting.mannered:
        said = preceded(random.choice(catalogue.before), said)
    if catalogue.after and random.random() < setting.mannered:
        said = followed(said, random.choice(catalogue.after))
    if random.random() < setting.mistyped:
        said = mistyped(said, random)
    request = replace(request, said=said)
    if random.random() < setting.small:
        return request.lowered(with_values=random.random() < 0.4)
    return request


def casual(talk: str, setting: Setting, random: Random) -> str:
    """Some talk, now and then without marks or capitals, or with a word about tools."""
    if talk.endswith(("?", ".")) and random.random() < setting.toolless:
        return talk + random.choice(WITHOUT_TOOLS)
    if random.random() < setting.unpunctuated:
        talk = talk.rstrip(".!?")
    return talk.lower() if random.random() < setting.small else talk


def preceded(before: str, said: Utterance) -> Utterance:
    ended = before.rstrip().endswith(tuple(SENTENCE_ENDS))
    return joined(before, opened(said) if ended else continued(said))


def followed(said: Utterance, after: str) -> Utterance:
    """A small beginning goes on with the sentence, so not with a question."""
    if after.strip()[:1].islower() or after.strip() == "!!":
        return said if ends(said, "?!") else joined(unpunctuated(said), after)
    if after.strip()[:1].isupper() and not ends(said, SENTENCE_ENDS):
        return joined(said, ".", after)
    return joined(said, after)


def both(first: Request, second: Request, random: Random) -> Request:
    """Two requests in one breath."""
    calls = first.calls + second.calls
    if first.language != ENGLISH:
        return Request(joined(first.said, "\n", second.said), calls)
    if ends(first.said, "?!") or random.random() < 0.4:
        return Request(_broken(first.said, second.said, random), calls)
    between = random.choice(JOINS)
    return Request(joined(unpunctuated(first.said), between, continued(second.said)), calls)


def _broken(first: Utterance, second: Utterance, random: Random) -> Utterance:
    between = random.choice(BREAKS)
    is_new = between.isspace()
    mark = "" if ends(first, SENTENCE_ENDS) or between == "\n" else "."
    return joined(first, mark, between, opened(second) if is_new else continued(second))
