"""Scores an answer, and names the causes of a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.chat.json import Json, Object, parse_json
from gateway.schema.validate import is_valid
from training.evaluation.case import Answer, Call, Case
from training.evaluation.equal import alike, mentions, same, states

MARK = "<tool_call>"  # in text, it is a Hermes call that could not be parsed

Same = Callable[[Json, Json], bool]
States = Callable[[str, str], bool]


class Cause(StrEnum):
    """Why an answer is wrong."""

    NO_ANSWER = "no answer"
    NOT_DUE = "unexpected call"
    NO_CALL = "no call"
    UNREADABLE = "unreadable call"
    TOO_FEW = "too few calls"
    TOO_MANY = "too many calls"
    WRONG_TOOL = "wrong tool"
    MISSING = "argument missing"
    NEEDLESS = "unexpected argument"
    WRONG_VALUE = "wrong value"
    NOT_STATED = "result not stated"


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
    causes = tuple(dict.fromkeys(_causes(case, answer, same, states)))
    return Score(
        causes,
        is_near=not any(_causes(case, answer, alike, mentions)),
        has_tools=not answer.error and _names(answer) == _names(case.expected),
        calls=len(answer.calls) or int(MARK in answer.text),
        valid=sum(_is_valid(case, call) for call in answer.calls),
    )


def _causes(case: Case, answer: Answer, equal: Same, contains: States) -> Iterator[Cause]:
    expected = case.expected.calls
    if answer.error:
        yield Cause.NO_ANSWER
    elif not expected:
        yield from _of_text(case, answer, contains)
    elif not answer.calls:
        yield Cause.UNREADABLE if MARK in answer.text else Cause.NO_CALL
    else:
        yield from _of_calls(expected, answer.calls, equal)


def _of_text(case: Case, answer: Answer, contains: States) -> Iterator[Cause]:
    if answer.calls:
        yield Cause.NOT_DUE
    elif MARK in answer.text:
        yield Cause.UNREADABLE
    elif not all(contains(answer.text, value) for value in case.states):
        yield Cause.NOT_STATED


def _of_calls(expected: Sequence[Call], made: Sequence[Call], equal: Same) -> Iterator[Cause]:
    """Calls may be in any order, so each is compared with the most similar expected one."""
    if len(made) != len(expected):
        yield Cause.TOO_FEW if len(made) < len(expected) else Cause.TOO_MANY
    left = list(made)
    for wrong in _unmet(expected, left, equal):
        if left:
            nearest = min(left, key=lambda call: len([*_differences(wrong, call, equal)]))
            left.remove(nearest)
            yield from _differences(wrong, nearest, equal)


def _unmet(expected: Sequence[Call], left: list[Call], equal: Same) -> list[Call]:
    """The expected calls without a match in `left`; matches are removed from `left`."""
    unmet = []
    for call in expected:
        met = next((made for made in left if not any(_differences(call, made, equal))), None)
        if met:
            left.remove(met)
        else:
            unmet.append(call)
    return unmet


def _differences(expected: Call, made: Call, equal: Same) -> Iterator[Cause]:
    wanted, found = _arguments(expected), _arguments(made)
    if made.name != expected.name:
        yield from (Cause.WRONG_TOOL,) * (2 + len(wanted or ()))  # more than any other difference
    elif found is None or wanted is None:
        yield Cause.UNREADABLE
    else:
        yield from (Cause.MISSING for name in wanted if name not in found)
        yield from (Cause.NEEDLESS for name in found if name not in wanted)
        both = [name for name in wanted if name in found]
        yield from (Cause.WRONG_VALUE for name in both if not equal(wanted[name], found[name]))


def _arguments(call: Call) -> Object | None:
    try:
        value = parse_json(call.arguments)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_valid(case: Case, call: Call) -> bool:
    schema, arguments = case.schema(call.name), _arguments(call)
    return schema is not None and arguments is not None and is_valid(schema, arguments)


def _names(answer: Answer) -> list[str]:
    return sorted(call.name for call in answer.calls)
