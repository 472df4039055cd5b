"""The catalogues, loaded once for all tests."""

from __future__ import annotations

from functools import cache
from itertools import islice

from training.data.catalogue import HELD_OUT, ROOT, Catalogue, load
from training.data.conversation import Conversation
from training.data.deck import conversations
from training.data.setting import EVALUATION, TRAINING


@cache
def catalogue(is_held_out: bool = False) -> Catalogue:
    return load(HELD_OUT if is_held_out else ROOT)


@cache
def sample(count: int, is_held_out: bool = False) -> tuple[Conversation, ...]:
    setting = EVALUATION if is_held_out else TRAINING
    return tuple(islice(conversations(catalogue(is_held_out), 1, setting), count))
