"""The targets of the evaluation, and the figures to compare with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from bench.figure import Aim, Figure
from training.evaluation.ask import Outcome
from training.evaluation.case import NONE_DUE, ONE, STATED
from training.evaluation.side import WITH

Z_95 = 1.96  # standard deviations of a 95 % confidence interval


@dataclass(frozen=True, slots=True)
class Goal:
    """The target share of right answers for cases of `kinds`, in per cent.

    With `is_stated`, only cases whose answer must contain some value count.
    """

    name: str
    kinds: tuple[str, ...]
    percent: float
    choice: str = "auto"
    is_stated: bool = False

    @property
    def aim(self) -> Aim:
        return Aim(self.name, self.percent, at_least=True, unit="%")

    def outcomes_of(self, side: str, every: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes of `side` that count for this goal."""
        of_side = [o for o in every if (o.side, o.choice) == (side, self.choice)]
        of_kinds = [outcome for outcome in of_side if outcome.case.kind in self.kinds]
        return [outcome for outcome in of_kinds if outcome.case.states or not self.is_stated]


GOALS = (
    Goal("one call expected: right tool and arguments", ONE, 80),
    Goal("no call expected: none made", NONE_DUE, 95),
    Goal("call required: right tool and arguments", ONE, 85, "required"),
    Goal("two calls expected: both right", ("two",), 50),
    Goal("after a result: the answer states it", STATED, 90, is_stated=True),
)


def figures(every: Sequence[Outcome]) -> list[Figure]:
    """A figure per goal for the side with the adapter; empty if it was not scored."""
    if not any(outcome.side == WITH.name for outcome in every):
        return []
    return [_figure(goal, goal.outcomes_of(WITH.name, every)) for goal in GOALS]


def percent_right(outcomes: Sequence[Outcome]) -> float:
    return 100 * sum(outcome.score.is_right for outcome in outcomes) / len(outcomes)


def wilson_interval(right: int, of: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share.

    Source: E. B. Wilson, Probable Inference, Journal of the American Statistical Association, 1927.
    """
    share, spread = right / of, Z_95 * Z_95 / of
    middle = share + spread / 2
    half = Z_95 * sqrt((share * (1 - share) + spread / 4) / of)
    return max(0, (middle - half) / (1 + spread)), min(1, (middle + half) / (1 + spread))


def _figure(goal: Goal, outcomes: Sequence[Outcome]) -> Figure:
    if not outcomes:
        return Figure(goal.aim, None, "no case")
    right = sum(outcome.score.is_right for outcome in outcomes)
    low, high = wilson_interval(right, len(outcomes))
    made_of = f"{right} of {len(outcomes)}; 95 % interval: {100 * low:.0f} to {100 * high:.0f} %"
    return Figure(goal.aim, percent_right(outcomes), made_of)
