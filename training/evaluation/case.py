"""The cases of the held-out set: a request and its expected answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.evaluation import case as evaluation
from gateway.evaluation.answer import Answer
from gateway.evaluation.case import Message

ONE = ("call",)
NONE_DUE = ("talk", "unserved", "lacking")
STATED = ("result", "failed")
KINDS = (*ONE, "follow_up", "two", *NONE_DUE, *STATED)


@dataclass(frozen=True, slots=True)
class Case:
    """The last of `messages` is the expected answer; a right answer contains all of `states`."""

    kind: str
    tools: Sequence[dict[str, Any]]
    messages: Sequence[Message]
    states: Sequence[str] = ()

    @property
    def prompt(self) -> list[Message]:
        return list(self.messages[:-1])

    @property
    def expected(self) -> Answer:
        return Answer.of(self.messages[-1])

    @property
    def request(self) -> evaluation.Case:
        """The case as the gateway's own evaluation has it."""
        due = (evaluation.Expected(call.name, call.values) for call in self.expected.calls)
        states = tuple(self.states)
        return evaluation.Case("", self.kind, self.prompt, self.tools, tuple(due), states)


def load(path: Path) -> list[Case]:
    """The cases of a JSON-lines file; raises ValueError for an invalid line."""
    return list(_read(path))


def chosen(cases: Sequence[Case], count: int) -> list[Case]:
    """At most `count` cases of each kind, evenly spaced over the file; 0 for all."""
    picked = {kind: [case for case in cases if case.kind == kind] for kind in KINDS}
    return [case for found in picked.values() for case in _spread(found, count)]


def _read(path: Path) -> Iterator[Case]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            case = Case(**json.loads(line))
            _check(case)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}:{number} is not a valid case: {error}") from error
        yield case


def _check(case: Case) -> None:
    if case.kind not in KINDS:
        raise ValueError(f"found the kind {case.kind!r}, expected one of {', '.join(KINDS)}")
    if not case.messages or case.messages[-1]["role"] != "assistant":
        raise ValueError("the last message is not from the assistant")


def _spread(cases: Sequence[Case], count: int) -> list[Case]:
    if not count or len(cases) <= count:
        return list(cases)
    return [cases[at * len(cases) // count] for at in range(count)]
