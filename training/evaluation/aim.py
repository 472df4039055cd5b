"""What the model is to reach, and how far each side has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from bench.figure import Aim, Figure
from training.evaluation.ask import Outcome
from training.evaluation.case import NONE_DUE, ONE, STATED
from training.evaluation.side import WITH

SURE = 1.96  # standard deviations, for 95 %


@dataclass(frozen=True, slots=True)
class Goal:
    """A share of the cases of `kinds` that is to be right, in per cent.

    With `is_stated`, a case counts only if there is something that its answer must contain.
    """

    name: str
    kinds: tuple[str, ...]
    percent: float
    choice: str = "auto"
    is_stated: bool = False

    @property
    def aim(self) -> Aim:
        return Aim(self.name, self.percent, at_least=True, unit="%")

    def met_by(self, side: str, every: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes that count for it."""
        asked = [o for o in every if (o.side, o.choice) == (side, self.choice)]
        due = [outcome for outcome in asked if outcome.case.kind in self.kinds]
        return [outcome for outcome in due if outcome.case.states or not self.is_stated]


GOALS = (
    Goal("one call due: the right tool and arguments", ONE, 80),
    Goal("no call due: none made", NONE_DUE, 95),
    Goal("a call required: the right tool and arguments", ONE, 85, "required"),
    Goal("two calls due: both right", ("two",), 50),
    Goal("a result came: the answer states it", STATED, 90, is_stated=True),
)


def figures(every: Sequence[Outcome]) -> list[Figure]:
    """Each goal, as the side with the adapter has met it; none, if that was not asked."""
    if not any(outcome.side == WITH.name for outcome in every):
        return []
    return [_figure(goal, goal.met_by(WITH.name, every)) for goal in GOALS]


def percent_right(outcomes: Sequence[Outcome]) -> float:
    return 100 * sum(outcome.score.is_right for outcome in outcomes) / len(outcomes)


def between(right: int, of: int) -> tuple[float, float]:
    """Where the true share is, in 95 of 100 such trials.

    Source: E. B. Wilson, Probable Inference, Journal of the American Statistical Association, 1927.
    """
    share, spread = right / of, SURE * SURE / of
    middle = share + spread / 2
    half = SURE * sqrt((share * (1 - share) + spread / 4) / of)
    return max(0, (middle - half) / (1 + spread)), min(1, (middle + half) / (1 + spread))


def _figure(goal: Goal, outcomes: Sequence[Outcome]) -> Figure:
    if not outcomes:
        return Figure(goal.aim, None, "no case")
    right = sum(outcome.score.is_right for outcome in outcomes)
    low, high = between(right, len(outcomes))
    made_of = f"{right} of {len(outcomes)}; 95 % sure: {100 * low:.0f} to {100 * high:.0f} %"
    return Figure(goal.aim, percent_right(outcomes), made_of)
