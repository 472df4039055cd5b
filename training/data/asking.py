"""User requests for the tools of a client."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import permutations
from random import Random

from training.data.client import Client
from training.data.manner import both, mannered
from training.data.offer import Offer
from training.data.request import Given, Request, fill_slots, random_values, request
from training.data.tool import Exchange, Path
from training.data.utterance import text

SHARE_OF_ONE_TOOL_TWICE = 0.5
NAME_OR_NUMBER = re.compile(r"\d|(?<=[^.!?] )[A-HJ-Z]")


def single(client: Client, random: Random) -> Request | None:
    """A request for one call."""
    offers = [offer for offer in client.offers if offer.asks]
    if not offers:
        return None
    return mannered(_request_for(random.choice(offers), random), client, random)


def double(client: Client, random: Random) -> Request | None:
    """A request for two calls, of one tool or of two."""
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
    """A request for two tools with the same language."""
    offers = [offer for offer in client.offers if offer.asks]
    pairs = [
        (one, other)
        for one, other in permutations(offers, 2)
        if one.tool.language == other.tool.language
    ]
    if not pairs:
        return None
    first, second = random.choice(pairs)
    return both(_request_for(first, random), _request_for(second, random), random)


def _request_for(offer: Offer, random: Random) -> Request:
    return request(random.choice(offer.asks), offer.tool, random)


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A request without a required value, and the question that asks for it."""

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
        """Whether its fixed words contain a value, which would have to be passed, too."""
        words = self.exchange.wording.text
        return bool(NAME_OR_NUMBER.search(words)) or any(
            re.search(rf"(?<!\w){re.escape(choice.wording)}(?!\w)", words, re.IGNORECASE)
            for choice in self.offer.tool.choices
        )


def incomplete(client: Client, random: Random) -> Incomplete | None:
    offers = [offer for offer in client.offers if offer.lacking]
    if not offers:
        return None
    offer = random.choice(offers)
    exchange = random.choice(offer.lacking)
    values = random_values(exchange.wording.slots, offer.tool, random)
    given = {slot.path: choice for slot, choice in values.items()}
    user_request = Request(
        fill_slots(exchange.wording, [given], offer.tool.language), ((offer.tool, given),)
    )
    user_request = mannered(user_request, client, random)
    question = text(fill_slots(exchange.answer, [user_request.calls[0][1]], offer.tool.language))
    return Incomplete(user_request, question, offer, exchange)
