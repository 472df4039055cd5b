"""Generates conversations: kinds in their shares, several in a row for each client."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from training.data.catalogue import Catalogue
from training.data.client import client
from training.data.conversation import Conversation
from training.data.kinds import MAKERS
from training.data.setting import TRAINING, Kind, Setting

IN_A_ROW = (3, 9)
TRIES = 8


def conversations(
    catalogue: Catalogue, seed: int, setting: Setting = TRAINING
) -> Iterator[Conversation]:
    """Yields conversations without end; equal seeds give equal conversations."""
    random = Random(seed)
    cards: list[Kind] = []
    while True:
        someone = client(catalogue, setting, random)
        wanted = random.randint(*IN_A_ROW)
        refused: list[Kind] = []
        for _ in range(TRIES * wanted):
            if not wanted:
                break
            kind = cards.pop() if cards else (cards := _shuffled(setting, random)).pop()
            if found := MAKERS[kind](someone, random):
                wanted -= 1
                yield found
            else:
                refused.append(kind)
        cards += refused


def _shuffled(setting: Setting, random: Random) -> list[Kind]:
    cards = [kind for kind, share in setting.shares.items() for _ in range(share)]
    random.shuffle(cards)
    return cards
