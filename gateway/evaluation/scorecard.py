"""Counts outcomes: a row for each kind of case and tool_choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from msgspec import to_builtins

from gateway.evaluation.run import Outcome
from gateway.evaluation.score import Cause

TITLES = (
    *("KIND", "CHOICE", "RIGHT", "", "TOOLS", "SPURIOUS", "REPEATED", "CUT OFF"),
    *("STREAM DIFFERS", "SECONDS"),
)
SPURIOUS = {Cause.NOT_DUE, Cause.TOO_MANY}


@dataclass(frozen=True, slots=True)
class Row:
    """The counts of some outcomes: how many answers are right, and what is wrong with the others.

    `right_tools` counts answers whose calls are of the tools that are due, of `due` cases with due
    calls. `seconds` is the median duration of a request that is not streamed.
    """

    kind: str
    choice: str
    cases: int
    right: int
    due: int
    right_tools: int
    spurious: int
    repeated: int
    cut_off: int
    unlike_stream: int
    seconds: float

    @property
    def percent(self) -> float:
        return 100 * self.right / self.cases


def rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """A row for each kind and tool_choice, in the order of their first cases."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.case.kind, outcome.case.choice), []).append(outcome)
    return [_row(kind, choice, found) for (kind, choice), found in groups.items()]


def total(outcomes: Sequence[Outcome]) -> Row:
    """The row of all outcomes, of which there is at least one."""
    return _row("all", "", outcomes)


def causes(outcomes: Sequence[Outcome]) -> Counter[str]:
    """The number of wrong answers by cause; an answer may have several causes."""
    return Counter(str(cause) for outcome in outcomes for cause in outcome.causes)


def _row(kind: str, choice: str, outcomes: Sequence[Outcome]) -> Row:
    def count(holds: Callable[[Outcome], object]) -> int:
        return sum(bool(holds(outcome)) for outcome in outcomes)

    return Row(
        kind,
        choice,
        cases=len(outcomes),
        right=count(lambda outcome: outcome.is_right),
        due=count(lambda outcome: outcome.case.calls),
        right_tools=count(_has_right_tools),
        spurious=count(lambda outcome: SPURIOUS & {*outcome.causes}),
        repeated=count(lambda outcome: Cause.REPEATED in outcome.causes),
        cut_off=count(lambda outcome: outcome.answer.finish == "length"),
        unlike_stream=count(lambda outcome: not outcome.record.is_streamed_alike),
        seconds=median(outcome.answer.seconds for outcome in outcomes),
    )


def _has_right_tools(outcome: Outcome) -> bool:
    due = sorted(call.name for call in outcome.case.calls)
    return bool(due) and due == sorted(call.name for call in outcome.answer.calls)


def cells(row: Row) -> tuple[str, ...]:
    """The row as texts under `TITLES`; a column that does not apply to its cases is empty."""
    return (
        row.kind,
        row.choice,
        f"{row.right} of {row.cases}",
        f"{row.percent:.0f} %",
        f"{row.right_tools} of {row.due}" if row.due else "",
        f"{row.spurious or ''}",
        f"{row.repeated or ''}",
        f"{row.cut_off or ''}",
        f"{row.unlike_stream or ''}",
        f"{row.seconds:.1f}",
    )


def as_json(model: str, suite: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The scorecard as JSON, with each wrong answer."""
    wrong = [outcome for outcome in outcomes if not outcome.is_right]
    return {
        "model": model,
        "suite": suite,
        "total": asdict(total(outcomes)),
        "rows": [asdict(row) for row in rows(outcomes)],
        "causes": dict(causes(outcomes).most_common()),
        "wrong": [
            {
                "case": outcome.case.id,
                "kind": outcome.case.kind,
                "causes": [str(cause) for cause in outcome.causes],
                "answer": to_builtins(outcome.answer),
            }
            for outcome in wrong
        ],
    }
