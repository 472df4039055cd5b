"""Makes one conversation of each kind; None if the client's tools do not allow it."""

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
    return _with_calls("call", client, single(client, random))


def two(client: Client, random: Random) -> Conversation | None:
    return _with_calls("two", client, double(client, random))


def talk(client: Client, random: Random) -> Conversation | None:
    if not (exchange := _chat(client, random)):
        return None
    writer = Writer(client)
    _speak(writer, exchange, random)
    return writer.done("talk")


def unserved(client: Client, random: Random) -> Conversation | None:
    """A request for a tool that is not offered, usually of another domain."""
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
    user_request = (double if is_double else single)(client, random)
    writer = Writer(client)
    if not user_request or (states := _served(writer, user_request, random)) is None:
        return None
    return writer.done("result", states)


def failed(client: Client, random: Random) -> Conversation | None:
    if not (user_request := single(client, random)):
        return None
    tool, given = user_request.calls[0]
    if not (found := report(tool, given, random, has_failed=True)):
        return None
    writer = Writer(client)
    writer.user(user_request.text)
    writer.call(user_request.calls)
    writer.results([found.result])
    writer.answer(found.answer)
    return writer.done("failed")


def follow_up(client: Client, random: Random) -> Conversation | None:
    weights = [weight for _, weight in FOLLOW_UPS]
    (way, _), *_ = random.choices(FOLLOW_UPS, weights)
    return way(client, random)


# -- kinds of follow-up


def after_a_result(client: Client, random: Random) -> Conversation | None:
    first, then = single(client, random), single(client, random)
    writer = Writer(client)
    if not first or not then or first.calls == then.calls or first.language != then.language:
        return None
    if _served(writer, first, random) is None:
        return None
    return _with_calls("follow_up", client, then, writer)


def after_talk(client: Client, random: Random) -> Conversation | None:
    exchange, then = _chat(client, random), single(client, random)
    if not exchange or not then or then.language != ENGLISH:
        return None
    writer = Writer(client)
    _speak(writer, exchange, random)
    return _with_calls("follow_up", client, then, writer)


def after_asking_back(client: Client, random: Random) -> Conversation | None:
    """The user gives the one missing value."""
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
    writer.user(reply.format(choice.wording))
    writer.call([(tool, {**found.given, path: choice})])
    return writer.done("follow_up")


def thanked(client: Client, random: Random) -> Conversation | None:
    user_request, thanks = single(client, random), _thanks(client)
    writer = Writer(client)
    if not user_request or user_request.language != ENGLISH or not thanks:
        return None
    if _served(writer, user_request, random) is None:
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


# -- parts of conversations


def _with_calls(
    kind: Kind, client: Client, user_request: Request | None, writer: Writer | None = None
) -> Conversation | None:
    if not user_request:
        return None
    writer = writer or Writer(client)
    writer.user(user_request.text)
    writer.call(user_request.calls)
    return writer.done(kind)


def _chat(client: Client, random: Random) -> Exchange | None:
    fit = [one for one in client.catalogue.talk if not client.touches(one)]
    return random.choice(fit) if fit else None


def _thanks(client: Client) -> list[Exchange]:
    short = [one for one in client.catalogue.talk if len(one.wording.text) < 40]
    return [
        one
        for one in short
        if THANKS.search(one.wording.text) and not GRUMBLE.search(one.wording.text)
    ]


def _speak(writer: Writer, exchange: Exchange, random: Random) -> None:
    writer.user(casual(exchange.wording.text, writer.client.setting, random))
    writer.answer(exchange.answer.text)


def _served(writer: Writer, user_request: Request, random: Random) -> list[str] | None:
    """Append a request, its calls, results and the answer; returns the values that it states."""
    is_twice = len({tool.name for tool, _ in user_request.calls}) < len(user_request.calls)
    reports = [report(tool, given, random, is_named=is_twice) for tool, given in user_request.calls]
    found = [one for one in reports if one]
    if len(found) < len(reports):
        return None
    writer.user(user_request.text)
    writer.call(user_request.calls)
    writer.results([one.result for one in found])
    writer.answer(" ".join(one.answer for one in found))
    return [state for one in found for state in one.states]
