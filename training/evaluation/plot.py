"""Draws docs/evaluation.svg: the share of right answers of each side, and the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.evaluation import plot as bars
from gateway.evaluation.plot import Bar, Group
from training.evaluation.aim import GOALS, Goal, percent_right
from training.evaluation.ask import Outcome
from training.evaluation.side import SIDES, WITH


def plot(every: Sequence[Outcome]) -> str:
    """An SVG with a group of bars per goal."""
    return bars.plot([Group(goal.name, [*_bars(goal, every)], goal.percent) for goal in GOALS])


def _bars(goal: Goal, every: Sequence[Outcome]) -> Iterator[Bar]:
    for side in SIDES:
        if found := goal.outcomes_of(side.name, every):
            yield Bar(side.name, percent_right(found), is_ours=side == WITH)
