"""Settings: the share of each kind of conversation, and of each variation in style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["call", "two", "talk", "unserved", "lacking", "result", "failed", "follow_up"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Setting:
    """`shares` are per cent; `sizes` are numbers of offered tools with their weights."""

    shares: Mapping[Kind, int]
    sizes: tuple[tuple[int, float], ...]
    restyled: float
    grouped: float
    mannered: float
    small: float
    unpunctuated: float
    mistyped: float
    toolless: float


TRAINING = Setting(
    shares={
        "call": 36,
        "two": 12,
        "talk": 6,
        "unserved": 13,
        "lacking": 12,
        "result": 11,
        "failed": 2,
        "follow_up": 8,
    },
    sizes=((0, 1), (1, 6), (2, 7), (3, 10), (4, 22), (5, 24), (6, 18), (7, 7), (8, 5)),
    restyled=1,
    grouped=0.12,
    mannered=0.15,
    small=0.1,
    unpunctuated=0.15,
    mistyped=0.07,
    toolless=0.1,
)
EVALUATION = Setting(
    shares=dict.fromkeys(KINDS, 1),
    sizes=((4, 1), (5, 1), (6, 1)),
    restyled=0.2,
    grouped=0,
    mannered=0.1,
    small=0.05,
    unpunctuated=0.05,
    mistyped=0.02,
    toolless=0,  # its words are those of the training
)
