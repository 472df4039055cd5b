"""Scores an answer to a case of the held-out set."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.evaluation.answer import Answer, Call
from gateway.evaluation.equal import same, states
from gateway.evaluation.score import Cause, has_unread_call
from gateway.evaluation.score import causes as find_causes
from gateway.schema.validate import is_valid
from training.evaluation.case import Case


@dataclass(frozen=True, slots=True)
class Score:
    """The score of an answer; `causes` is empty if it is right.

    `calls` is the number of calls, `valid` the number of those that are valid under their schema.
    `is_near` is true if a lenient comparison finds the answer right, `has_tools` if it calls the
    right tools, or rightly none.
    """

    causes: tuple[Cause, ...]
    is_near: bool
    has_tools: bool
    calls: int
    valid: int

    @property
    def is_right(self) -> bool:
        return not self.causes


def score(case: Case, answer: Answer) -> Score:
    request = case.request
    return Score(
        find_causes(request, answer, same, states),
        is_near=not find_causes(request, answer),
        has_tools=not answer.error and _names(answer) == _names(case.expected),
        calls=len(answer.calls) or int(has_unread_call(request, answer)),
        valid=sum(_is_valid(case, call) for call in answer.calls),
    )


def _is_valid(case: Case, call: Call) -> bool:
    arguments = call.values
    return arguments is not None and is_valid(case.request.schema(call.name), arguments)


def _names(answer: Answer) -> list[str]:
    return sorted(call.name for call in answer.calls)
