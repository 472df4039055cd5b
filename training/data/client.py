"""A client: its tools, its naming style and its system message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from gateway.chat.json import Object
from training.data.catalogue import Catalogue
from training.data.likeness import is_about, is_mixed_up, is_rival
from training.data.offer import STYLES, Offer, Style, grouped, varied
from training.data.setting import Setting
from training.data.tool import Exchange, Tool

SHARE_WITH_SYSTEM = 0.3


@dataclass(frozen=True, slots=True)
class Client:
    """The sender of a conversation's requests."""

    offers: tuple[Offer, ...]
    system: str
    is_terse: bool  # writes JSON without spaces
    catalogue: Catalogue
    setting: Setting

    @property
    def tools(self) -> list[Object]:
        return [offer.schema() for offer in self.offers]

    def serves(self, tool: Tool) -> bool:
        """Whether one of the offered tools could do what `tool` does."""
        return any(
            offer.tool.name in self.catalogue.general or is_rival(offer.tool, tool, self.catalogue)
            for offer in self.offers
        )

    def touches(self, exchange: Exchange) -> bool:
        """Whether one of the offered tools might be useful for this small talk."""
        return any(is_about(exchange, offer.tool, self.catalogue) for offer in self.offers)


def client(catalogue: Catalogue, setting: Setting, random: Random) -> Client:
    (style, _), *_ = random.choices(STYLES, [weight for _, weight in STYLES])
    if random.random() >= setting.restyled:
        style = Style()
    system = random.choice(catalogue.clients) if random.random() < SHARE_WITH_SYSTEM else ""
    offers = _offers(catalogue, setting, style, random)
    return Client(tuple(offers), system, random.random() < 0.4, catalogue, setting)


def _offers(
    catalogue: Catalogue, setting: Setting, style: Style, random: Random
) -> Sequence[Offer]:
    bare, shuffled = random.random() < 0.15, random.random() < 0.3
    tools = _tools(catalogue, setting, random)
    offered = [varied(tool, random, bare, shuffled) for tool in tools]
    return [Offer(one, style, grouped(one, setting.grouped, random)) for one in offered]


def _tools(catalogue: Catalogue, setting: Setting, random: Random) -> list[Tool]:
    """Some tools of one domain, and others that cannot be confused with them."""
    (count, _), *_ = random.choices(setting.sizes, [weight for _, weight in setting.sizes])
    if not count:
        return []
    first = random.choice(catalogue.tools)
    same = [tool for tool in catalogue.tools if tool.domain == first.domain and tool != first]
    others = [tool for tool in catalogue.tools if tool.domain != first.domain]
    mates = random.randint(0, min(count - 1, len(same)))
    chosen = [first, *random.sample(same, mates)]
    for tool in random.sample(others, min(len(others), 4 * count)):
        if len(chosen) < count and not any(is_mixed_up(tool, one, catalogue) for one in chosen):
            chosen.append(tool)
    random.shuffle(chosen)
    return chosen
