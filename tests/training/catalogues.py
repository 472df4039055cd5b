"""The catalogues, read once for all tests."""

from __future__ import annotations

from functools import cache
from itertools import islice

from training.catalogue import HELD_OUT, ROOT, Catalogue, load
from training.conversation import Conversation
from training.deck import conversations
from training.setting import EVALUATION, TRAINING


@cache
def catalogue(is_held_out: bool = False) -> Catalogue:
    return load(HELD_OUT if is_held_out else ROOT)


@cache
def sample(count: int, is_held_out: bool = False) -> tuple[Conversation, ...]:
    setting = EVALUATION if is_held_out else TRAINING
    return tuple(islice(conversations(catalogue(is_held_out), 1, setting), count))
