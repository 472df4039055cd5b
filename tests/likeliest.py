"""What a model holds to be likeliest, compared but for what rounding makes of it.

The same model, computed in another way, chooses another word where two are about as likely.
"""

from __future__ import annotations

from math import exp
from typing import TypeAlias

from gateway.engine.generation import Delta

MOST = 20
# Flash attention and a quantised cache move up to 6 % of the probability in a model of 135 million
# weights; another prompt moves most of it.
ROUNDING = 0.15

Odds: TypeAlias = dict[bytes, float]


def odds(delta: Delta) -> Odds:
    """The probabilities of the `MOST` likeliest tokens there, if it was asked for as many."""
    return {bytes(token.bytes): exp(token.logprob) for token in delta.logprobs[0].top}


def are_alike(one: Odds, other: Odds) -> bool:
    moved = sum(abs(one.get(token, 0) - other.get(token, 0)) for token in {*one, *other}) / 2
    return moved < ROUNDING
