"""A figure, what it aims at, and what takes it."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.bare import Bare
from bench.server import Server

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
THREADS = int(os.environ.get("BENCH_THREADS", "0")) or os.cpu_count() or 1
CONTEXT = 8192

Value = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Aim:
    """At least `bound`, or at most; `unit` "" is a ratio."""

    name: str
    bound: float
    at_least: bool = False
    unit: str = ""

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Figure:
    """A value, None if `made_of` is the error that there was instead."""

    aim: Aim
    value: float | None
    made_of: str

    @property
    def is_met(self) -> bool:
        if self.value is None:
            return False
        return self.value >= self.aim.bound if self.aim.at_least else self.value <= self.aim.bound

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "FAILED"
        return "met" if self.is_met else "MISSED"

    @property
    def shown(self) -> str:
        if self.value is None:
            return "none"
        return f"{self.value:.1f} {self.aim.unit}" if self.aim.unit else f"{self.value:.3f}"


@dataclass(frozen=True, slots=True)
class Sides:
    """All that is measured, at rest until it is asked."""

    bare: Bare
    gateway: Server
    peer: Server


@dataclass(frozen=True, slots=True)
class Measurement:
    """Takes one value for each of its aims."""

    aims: tuple[Aim, ...]
    take: Callable[[Sides], Iterator[Value]]

    def figures(self, sides: Sides) -> Iterator[Figure]:
        """A fault in one measurement leaves the others alone."""
        left = list(self.aims)
        try:
            for value, made_of in self.take(sides):
                yield Figure(left.pop(0), value, made_of)
        except Exception as error:
            for aim in left:
                yield Figure(aim, None, f"{type(error).__name__}: {error}")


def in_turn(rounds: int, *sides: Callable[[], float]) -> Sequence[tuple[float, ...]]:
    """What each of `sides` measures in each round, after a round that does not count."""
    for side in sides:
        side()
    return [tuple(side() for side in sides) for _ in range(rounds)]


def medians(rounds: Sequence[tuple[float, ...]]) -> list[float]:
    return [statistics.median(side) for side in zip(*rounds, strict=True)]


def ratio(rounds: Sequence[tuple[float, ...]], over: int, under: int) -> float:
    """The median of what the side `over` had over the side `under`, round by round."""
    return statistics.median(round[over] / round[under] for round in rounds)
