"""Tools, cases and answers for the tests of this room."""

from __future__ import annotations

import json
from typing import Any

from gateway.evaluation.answer import Answer, Call
from gateway.evaluation.case import Case, Expected
from tests.training.evaluation.cases import TOOLS, lamp, parcel

__all__ = ["TOOLS", "case", "lamp", "made", "parcel"]


def case(
    kind: str,
    *calls: Expected | tuple[str, dict[str, Any]],
    states: tuple[str, ...] = (),
    **settings: Any,
) -> Case:
    """A case with the lamp, the ferry and the parcel; calls as pairs of name and arguments."""
    due = tuple(call if isinstance(call, Expected) else Expected(*call) for call in calls)
    messages = [{"role": "user", "content": f"{kind}?"}]
    return Case(kind, kind, messages, TOOLS, due, states, settings)


def made(*calls: tuple[str, dict[str, Any]]) -> Answer:
    return Answer(calls=tuple(Call(name, json.dumps(arguments)) for name, arguments in calls))
