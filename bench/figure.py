"""Figures, their targets, and the measurements that produce them."""

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
    """The target of a figure: at least or at most `bound`; without a unit it is a ratio."""

    name: str
    bound: float
    at_least: bool = False
    unit: str = ""

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and what it is computed from; None after an error, which is in `made_of`."""

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
    """The three sides of a comparison; they are idle between measurements."""

    bare: Bare
    gateway: Server
    peer: Server


@dataclass(frozen=True, slots=True)
class Measurement:
    """A function that yields one value for each of `aims`."""

    aims: tuple[Aim, ...]
    take: Callable[[Sides], Iterator[Value]]

    def figures(self, sides: Sides) -> Iterator[Figure]:
        """Measure; an exception becomes failed figures, so that other measurements go on."""
        left = list(self.aims)
        try:
            for value, made_of in self.take(sides):
                yield Figure(left.pop(0), value, made_of)
        except Exception as error:
            for aim in left:
                yield Figure(aim, None, f"{type(error).__name__}: {error}")


def in_turn(rounds: int, *sides: Callable[[], float]) -> Sequence[tuple[float, ...]]:
    """The results of `sides` in each of `rounds` rounds, after a warm-up round."""
    for side in sides:
        side()
    return [tuple(side() for side in sides) for _ in range(rounds)]


def medians(rounds: Sequence[tuple[float, ...]]) -> list[float]:
    """The median of each side."""
    return [statistics.median(side) for side in zip(*rounds, strict=True)]


def ratio(rounds: Sequence[tuple[float, ...]], over: int, under: int) -> float:
    """The median over the rounds of side `over` divided by side `under`."""
    return statistics.median(round[over] / round[under] for round in rounds)
