"""The result of a call, and the answer that reports it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from gateway.chat.json import Json, Object
from training.data.phrase import Phrase
from training.data.request import Given
from training.data.result import answer_text, fill, outline, spoken_leaf
from training.data.tool import Outcome, Tool
from training.data.utterance import is_odd

TRIES = 10


@dataclass(frozen=True, slots=True)
class Report:
    """A result, its answer, and the strings that every right answer contains."""

    result: Object
    answer: str
    states: tuple[str, ...]


def report(
    tool: Tool,
    given: Given,
    random: Random,
    *,
    has_failed: bool = False,
    is_named: bool = False,
) -> Report | None:
    """The report of a call; if `is_named`, the answer says which of several calls it is about."""
    for _ in range(TRIES):
        outcome = random.choice(tool.failures if has_failed else tool.outcomes)
        found = _report(outcome, given, tool.language, random, is_named)
        if found and not is_odd(found.answer):
            return found
    return None


def _report(
    outcome: Outcome, given: Given, language: str, random: Random, is_named: bool
) -> Report | None:
    filled = fill(outcome.result, given, random)
    told_by = {answer: answer_text(answer, given, filled, language) for answer in outcome.answers}
    fit = {answer: words for answer, words in told_by.items() if words}
    if not fit:
        return None
    named = [words for answer, words in fit.items() if answer.paths & given.keys()]
    answer = random.choice(named if is_named and named else [*fit.values()])
    states = _written(filled) if outcome.is_written else _varied(outcome, filled, [*fit], language)
    return Report(filled, answer, tuple(s for s in dict.fromkeys(states) if s in answer))


def _varied(
    outcome: Outcome, filled: Object, answers: Sequence[Phrase], language: str
) -> Iterator[str]:
    """The varying values of the result that every answer contains."""
    for path in sorted(outline(outcome.result).varied):
        if all(("result", *path) in answer.paths for answer in answers):
            yield spoken_leaf(filled, path, language)


def _written(value: Json) -> Iterator[str]:
    """The strings and numbers of a result."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _written(inner)
    elif not isinstance(value, bool) and value not in (None, ""):
        yield str(value)
