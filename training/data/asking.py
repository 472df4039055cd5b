"""What a user may ask of a client's tools."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import permutations
from random import Random

from training.data.client import Client
from training.data.manner import both, mannered
from training.data.offer import Offer
from training.data.request import Given, Request, drawn, request, said
from training.data.tool import Exchange, Path
from training.data.utterance import text

SHARE_OF_ONE_TOOL_TWICE = 0.5
NAME_OR_NUMBER = re.compile(r"\d|(?<=[^.!?] )[A-HJ-Z]")


def single(client: Client, random: Random) -> Request | None:
    """A request that one call serves."""
    offers = [offer for offer in client.offers if offer.asks]
    if not offers:
        return None
    return mannered(_asked(random.choice(offers), random), client, random)


def double(client: Client, random: Random) -> Request | None:
    """Two calls at once: of one tool, or of two."""
    wanted = _twice if random.random() < SHARE_OF_ONE_TOOL_TWICE else _pair
    found = wanted(client, random)
    return mannered(found, client, random) if found else None


def _twice(client: Client, random: Random) -> Request | None:
    offers = [offer for offer in client.offers if offer.two]
    if not offers:
        return None
    offer = random.choice(offers)
    return request(random.choice(offer.two), offer.tool, random)


def _pair(client: Client, random: Random) -> Request | None:
    """Of two tools that are asked for in the same language."""
    offers = [offer for offer in client.offers if offer.asks]
    pairs = [
        (one, other)
        for one, other in permutations(offers, 2)
        if one.tool.language == other.tool.language
    ]
    if not pairs:
        return None
    first, second = random.choice(pairs)
    return both(_asked(first, random), _asked(second, random), random)


def _asked(offer: Offer, random: Random) -> Request:
    return request(random.choice(offer.asks), offer.tool, random)


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A request that lacks something, the question that it leads to, and what was said."""

    request: Request
    question: str
    offer: Offer
    exchange: Exchange

    @property
    def given(self) -> Given:
        return self.request.calls[0][1]

    @property
    def missing(self) -> frozenset[Path]:
        return self.offer.tool.required - self.given.keys()

    @property
    def says_more(self) -> bool:
        """Whether its own words name a value, which would have to be passed as well."""
        words = self.exchange.said.text
        return bool(NAME_OR_NUMBER.search(words)) or any(
            re.search(rf"(?<!\w){re.escape(choice.said)}(?!\w)", words, re.IGNORECASE)
            for choice in self.offer.tool.choices
        )


def incomplete(client: Client, random: Random) -> Incomplete | None:
    offers = [offer for offer in client.offers if offer.lacking]
    if not offers:
        return None
    offer = random.choice(offers)
    exchange = random.choice(offer.lacking)
    values = drawn(exchange.said.slots, offer.tool, random)
    given = {slot.path: choice for slot, choice in values.items()}
    asked = Request(said(exchange.said, [given], offer.tool.language), ((offer.tool, given),))
    asked = mannered(asked, client, random)
    question = text(said(exchange.answer, [asked.calls[0][1]], offer.tool.language))
    return Incomplete(asked, question, offer, exchange)
