"""Writes the wrong answers as JSON lines, for analysis."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from msgspec import to_builtins

from training.evaluation.ask import Outcome


def causes(outcomes: Sequence[Outcome]) -> Counter[str]:
    """The number of wrong answers by cause; an answer may have several causes."""
    return Counter(str(cause) for outcome in outcomes for cause in outcome.score.causes)


def lines(outcomes: Sequence[Outcome]) -> str:
    """A JSON line for each wrong answer."""
    wrong = [outcome for outcome in outcomes if not outcome.score.is_right]
    return "".join(json.dumps(_as_dict(o), ensure_ascii=False) + "\n" for o in wrong)


def _as_dict(outcome: Outcome) -> dict[str, object]:
    case = outcome.case
    return {
        "side": outcome.side,
        "choice": outcome.choice,
        "kind": case.kind,
        "causes": [str(cause) for cause in outcome.score.causes],
        "is_near": outcome.score.is_near,
        "expected": to_builtins(case.expected),
        "states": case.states,
        "got": to_builtins(outcome.answer),
        "messages": case.prompt,
        "tools": case.tools,
    }
