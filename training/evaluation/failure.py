"""What went wrong, to be learnt from: a JSON line for each answer that is not right."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from training.evaluation.ask import Outcome


def causes(outcomes: Sequence[Outcome]) -> Counter[str]:
    """How many answers are wrong by each cause; one may have several."""
    return Counter(str(cause) for outcome in outcomes for cause in outcome.score.causes)


def lines(outcomes: Sequence[Outcome]) -> str:
    """Side by side, then by kind, as they were asked."""
    wrong = [outcome for outcome in outcomes if not outcome.score.is_right]
    return "".join(json.dumps(_told(o), ensure_ascii=False) + "\n" for o in wrong)


def _told(outcome: Outcome) -> dict[str, object]:
    case = outcome.case
    return {
        "side": outcome.side,
        "choice": outcome.choice,
        "kind": case.kind,
        "causes": [str(cause) for cause in outcome.score.causes],
        "is_near": outcome.score.is_near,
        "expected": asdict(case.expected),
        "states": case.states,
        "got": asdict(outcome.answer),
        "messages": case.asked,
        "tools": case.tools,
    }
