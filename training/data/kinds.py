"""One conversation of each kind; None where the client's tools don't lend themselves to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random

from training.data.asking import double, incomplete, single
from training.data.client import Client
from training.data.conversation import Conversation, Writer
from training.data.language import ENGLISH, humble
from training.data.manner import casual, mannered
from training.data.report import report
from training.data.request import Request, draw, request
from training.data.setting import Kind
from training.data.tool import Exchange

THANKS = re.compile(
    r"(?i)\b(thanks?|thx|cheers|perfect|great|well done|helpful|best|saved|awesome|lovely"
    r"|that's all|okay|goodbye|bye)\b|^ok\b"
)
GRUMBLE = re.compile(r"(?i)\?|nothing|not\b|^say\b")


def call(client: Client, random: Random) -> Conversation | None:
    return _called("call", client, single(client, random))


def two(client: Client, random: Random) -> Conversation | None:
    return _called("two", client, double(client, random))


def talk(client: Client, random: Random) -> Conversation | None:
    if not (exchange := _chat(client, random)):
        return None
    writer = Writer(client)
    _speak(writer, exchange, random)
    return writer.done("talk")


def unserved(client: Client, random: Random) -> Conversation | None:
    """Asks for a tool that isn't there, as a rule of another domain."""
    domains = {offer.tool.domain for offer in client.offers}
    is_near = random.random() < SHARE_NEAR
    wanted = [
        tool
        for tool in client.catalogue.tools
        if (tool.domain in domains) == is_near
        and tool.language == ENGLISH
        and not client.serves(tool)
    ]
    if not wanted or not client.offers:
        return None
    tool = random.choice(wanted)
    writer = Writer(client)
    writer.user(mannered(request(random.choice(tool.asks), tool, random), client, random).text)
    writer.answer(random.choice(client.catalogue.unserved))
    return writer.done("unserved")


def lacking(client: Client, random: Random) -> Conversation | None:
    if not (found := incomplete(client, random)):
        return None
    writer = Writer(client)
    writer.user(found.request.text)
    writer.answer(humble(found.question, found.offer.tool.language))
    return writer.done("lacking")


def result(client: Client, random: Random) -> Conversation | None:
    is_double = random.random() < SHARE_OF_DOUBLE_RESULTS
    asked = (double if is_double else single)(client, random)
    writer = Writer(client)
    if not asked or (states := _served(writer, asked, random)) is None:
        return None
    return writer.done("result", states)


def failed(client: Client, random: Random) -> Conversation | None:
    if not (asked := single(client, random)):
        return None
    tool, given = asked.calls[0]
    if not (found := report(tool, given, random, has_failed=True)):
        return None
    writer = Writer(client)
    writer.user(asked.text)
    writer.call(asked.calls)
    writer.results([found.result])
    writer.answer(found.answer)
    return writer.done("failed")


def follow_up(client: Client, random: Random) -> Conversation | None:
    weights = [weight for _, weight in FOLLOW_UPS]
    (way, _), *_ = random.choices(FOLLOW_UPS, weights)
    return way(client, random)


# -- ways to go on


def after_a_result(client: Client, random: Random) -> Conversation | None:
    first, then = single(client, random), single(client, random)
    writer = Writer(client)
    if not first or not then or first.calls == then.calls or first.language != then.language:
        return None
    if _served(writer, first, random) is None:
        return None
    return _called("follow_up", client, then, writer)


def after_talk(client: Client, random: Random) -> Conversation | None:
    exchange, then = _chat(client, random), single(client, random)
    if not exchange or not then or then.language != ENGLISH:
        return None
    writer = Writer(client)
    _speak(writer, exchange, random)
    return _called("follow_up", client, then, writer)


def after_asking_back(client: Client, random: Random) -> Conversation | None:
    """The user says what was lacking, where that is all that there is to it."""
    found = incomplete(client, random)
    if not found or len(found.missing) != 1 or found.says_more:
        return None
    writer = Writer(client)
    writer.user(found.request.text)
    writer.answer(humble(found.question, found.offer.tool.language))
    (path,) = found.missing
    tool = found.offer.tool
    choice = draw(tool.leaves[path], tool.language, random)
    reply = random.choice(REPLIES) if tool.language == ENGLISH else "{}"
    writer.user(reply.format(choice.said))
    writer.call([(tool, {**found.given, path: choice})])
    return writer.done("follow_up")


def thanked(client: Client, random: Random) -> Conversation | None:
    asked, thanks = single(client, random), _thanks(client)
    writer = Writer(client)
    if not asked or asked.language != ENGLISH or not thanks:
        return None
    if _served(writer, asked, random) is None:
        return None
    _speak(writer, random.choice(thanks), random)
    return writer.done("follow_up")


Maker = Callable[[Client, Random], Conversation | None]
MAKERS: Mapping[Kind, Maker] = {
    "call": call,
    "two": two,
    "talk": talk,
    "unserved": unserved,
    "lacking": lacking,
    "result": result,
    "failed": failed,
    "follow_up": follow_up,
}
FOLLOW_UPS: Sequence[tuple[Maker, int]] = (
    (after_a_result, 40),
    (after_talk, 15),
    (after_asking_back, 25),
    (thanked, 20),
)
REPLIES = ("{}", "{}", "{}.", "{}, please", "{} please", "Oh, sorry: {}", "{}, thanks", "It's {}.")
SHARE_NEAR = 0.25
SHARE_OF_DOUBLE_RESULTS = 0.15


# -- parts of them


def _called(
    kind: Kind, client: Client, asked: Request | None, writer: Writer | None = None
) -> Conversation | None:
    if not asked:
        return None
    writer = writer or Writer(client)
    writer.user(asked.text)
    writer.call(asked.calls)
    return writer.done(kind)


def _chat(client: Client, random: Random) -> Exchange | None:
    fit = [one for one in client.catalogue.talk if not client.touches(one)]
    return random.choice(fit) if fit else None


def _thanks(client: Client) -> list[Exchange]:
    short = [one for one in client.catalogue.talk if len(one.said.text) < 40]
    return [
        one for one in short if THANKS.search(one.said.text) and not GRUMBLE.search(one.said.text)
    ]


def _speak(writer: Writer, exchange: Exchange, random: Random) -> None:
    writer.user(casual(exchange.said.text, writer.client.setting, random))
    writer.answer(exchange.answer.text)


def _served(writer: Writer, asked: Request, random: Random) -> list[str] | None:
    """Writes a request, its calls, their results and the answer; returns what that states."""
    is_twice = len({tool.name for tool, _ in asked.calls}) < len(asked.calls)
    reports = [report(tool, given, random, is_named=is_twice) for tool, given in asked.calls]
    found = [one for one in reports if one]
    if len(found) < len(reports):
        return None
    writer.user(asked.text)
    writer.call(asked.calls)
    writer.results([one.result for one in found])
    writer.answer(" ".join(one.answer for one in found))
    return [state for one in found for state in one.states]
