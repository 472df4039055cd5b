"""Names what is wrong with an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from gateway.chat.json import Json, parse_json
from gateway.evaluation.answer import Answer, Call
from gateway.evaluation.case import Case, Expected
from gateway.evaluation.equal import alike, mentions
from gateway.schema.validate import is_valid

# How models begin a call; in text, it is a call that the server could not read.
MARKS = ("<tool_call>", "<function=", "[TOOL_CALLS]", "<|python_tag|>")
NAMED = re.compile(r'"name"\s*:\s*"([^"\\]*)"')

Equal = Callable[[Json, Json], bool]
Contains = Callable[[str, str], bool]


class Cause(StrEnum):
    """Why an answer is wrong."""

    NO_ANSWER = "no answer"
    NOT_DUE = "unexpected call"
    NO_CALL = "no call"
    UNREADABLE = "unreadable call"
    TOO_FEW = "too few calls"
    TOO_MANY = "too many calls"
    REPEATED = "repeated call"
    WRONG_TOOL = "wrong tool"
    MISSING = "argument missing"
    NEEDLESS = "unexpected argument"
    WRONG_VALUE = "wrong value"
    NO_TEXT = "no text"
    NOT_STATED = "result not stated"
    NOT_JSON = "not the JSON of the schema"


def causes(
    case: Case, answer: Answer, equal: Equal = alike, contains: Contains = mentions
) -> tuple[Cause, ...]:
    """Why `answer` is wrong, without repetition; empty if it is right.

    By default, values and texts are compared without case and surrounding white space.
    """
    return tuple(dict.fromkeys(_causes(case, answer, equal, contains)))


def _causes(case: Case, answer: Answer, equal: Equal, contains: Contains) -> Iterator[Cause]:
    if answer.error:
        yield Cause.NO_ANSWER
    elif not case.calls:
        yield from _of_text(case, answer, contains)
    elif not answer.calls:
        yield Cause.UNREADABLE if has_unread_call(case, answer) else Cause.NO_CALL
    else:
        yield from _of_calls(case, answer.calls, equal)


def has_unread_call(case: Case, answer: Answer) -> bool:
    """Whether the text has the beginning of a call, or a JSON object that names an offered tool."""
    if any(mark in answer.text for mark in MARKS):
        return True
    offered = {tool["function"]["name"] for tool in case.tools}
    return any(name in offered for name in NAMED.findall(answer.text))


def _of_text(case: Case, answer: Answer, contains: Contains) -> Iterator[Cause]:
    if answer.calls:
        yield Cause.NOT_DUE
        if has_repetition(answer.calls):
            yield Cause.REPEATED
    elif has_unread_call(case, answer):
        yield Cause.UNREADABLE
    elif not answer.text.strip():
        yield Cause.NO_TEXT
    elif "response_format" in case.settings:
        if not _is_json(case, answer.text):
            yield Cause.NOT_JSON
    elif not all(contains(answer.text, value) for value in case.states):
        yield Cause.NOT_STATED


def _is_json(case: Case, text: str) -> bool:
    """Whether `text` is JSON that matches the schema of the response_format, if it has one."""
    try:
        value = parse_json(text)
    except (ValueError, RecursionError):
        return False
    schema = case.settings["response_format"].get("json_schema", {}).get("schema", {})
    return is_valid(schema, value)


def _of_calls(case: Case, made: Sequence[Call], equal: Equal) -> Iterator[Cause]:
    """Calls may be in any order, so each is compared with the most similar expected one."""
    if len(made) != len(case.calls):
        yield Cause.TOO_FEW if len(made) < len(case.calls) else Cause.TOO_MANY
    if has_repetition(made):
        yield Cause.REPEATED
    left = list(made)

    def differences(expected: Expected, call: Call) -> list[Cause]:
        return [*_differences(case, expected, call, equal)]

    unmet = []
    for expected in case.calls:
        met = next((call for call in left if not differences(expected, call)), None)
        if met:
            left.remove(met)
        else:
            unmet.append(expected)
    for expected in unmet:
        if left:
            nearest = min(left, key=lambda call: len(differences(expected, call)))
            left.remove(nearest)
            yield from differences(expected, nearest)


def has_repetition(calls: Sequence[Call]) -> bool:
    return len(set(calls)) < len(calls)


def _differences(case: Case, expected: Expected, made: Call, equal: Equal) -> Iterator[Cause]:
    wanted, found = expected.arguments, made.values
    if made.name != expected.name:
        yield from (Cause.WRONG_TOOL,) * (2 + len(wanted or ()))  # more than any other difference
    elif found is None:
        yield Cause.UNREADABLE
    elif wanted is None:
        schemas = (case.schema(made.name), expected.schema or {})
        if not all(is_valid(schema, found) for schema in schemas):
            yield Cause.WRONG_VALUE
    else:
        yield from (Cause.MISSING for name in wanted if name not in found)
        yield from (Cause.NEEDLESS for name in found if name not in wanted)
        both = [name for name in wanted if name in found]
        yield from (Cause.WRONG_VALUE for name in both if not equal(wanted[name], found[name]))
