"""The single-turn categories of the Berkeley Function Calling Leaderboard.

The cases and the checker are those of the package `bfcl-eval`, which has to be installed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from gateway.errors import ConfigError
from gateway.evaluation.answer import Answer
from gateway.evaluation.bfcl.checker import load_checker
from gateway.evaluation.bfcl.tools import to_tool, tool_name
from gateway.evaluation.case import Case, Expected
from gateway.evaluation.run import Suite
from gateway.evaluation.score import Cause, has_repetition, has_unread_call

Function: TypeAlias = Mapping[str, Any]
# The calls with their arguments -> BFCL's name of what is wrong with them; empty if nothing is.
Check: TypeAlias = Callable[["Entry", Sequence[dict[str, Any]]], str]

PACKAGE = "bfcl_eval"
INSTALL = "pip install --no-deps bfcl-eval==2026.3.23"
VERSION = "BFCL_v4"
CATEGORIES = (
    *("simple_python", "simple_java", "simple_javascript"),
    *("multiple", "parallel", "parallel_multiple", "irrelevance"),
    *("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple"),
    *("live_irrelevance", "live_relevance"),
)
IRRELEVANCE = ("irrelevance", "live_irrelevance")  # no call is due
RELEVANCE = "live_relevance"  # any call is due
MAX_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a category: its functions, and the accepted calls with lists of values."""

    category: str
    functions: Sequence[Function]
    accepted: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def bfcl(categories: Sequence[str]) -> Suite:
    """The suite of these categories, by default of all; raises ConfigError."""
    if unknown := [name for name in categories if name not in CATEGORIES]:
        known = ", ".join(CATEGORIES)
        raise ConfigError(f"bfcl has no category {unknown[0]!r}; there are {known}")
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigError(f"the suite bfcl needs a package: {INSTALL}")
    return suite(Path(spec.origin).parent / "data", categories or CATEGORIES, load_checker())


def suite(folder: Path, categories: Sequence[str], check: Check) -> Suite:
    """The suite of the categories in a folder of BFCL's data."""
    cases: list[Case] = []
    entries: dict[str, Entry] = {}
    for category in categories:
        for case, entry in _read(folder, category):
            cases.append(case)
            entries[case.id] = entry

    def score(case: Case, answer: Answer) -> tuple[str, ...]:
        return _causes(case, entries[case.id], answer, check)

    return Suite("bfcl", cases, score, streams=False)


def _read(folder: Path, category: str) -> list[tuple[Case, Entry]]:
    name = f"{VERSION}_{category}.json"
    truth: dict[str, list[dict[str, Any]]] = {}
    if category not in (*IRRELEVANCE, RELEVANCE):
        answers = _lines(folder / "possible_answer" / name)
        truth = {line["id"]: line["ground_truth"] for line in answers}
    return [_entry(line, category, truth.get(line["id"], [])) for line in _lines(folder / name)]


def _entry(
    line: Mapping[str, Any], category: str, accepted: list[dict[str, Any]]
) -> tuple[Case, Entry]:
    functions = line["function"]
    tools = [to_tool(function, category) for function in functions]
    due = tuple(Expected(tool_name(name)) for call in accepted for name in call)
    settings = {"max_tokens": MAX_TOKENS}
    case = Case(line["id"], category, line["question"][0], tools, due, settings=settings)
    return case, Entry(category, functions, accepted)


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path} of bfcl-eval: {error}") from error


def _causes(case: Case, entry: Entry, answer: Answer, check: Check) -> tuple[str, ...]:
    calls, due = answer.calls, len(entry.accepted)
    if answer.error:
        return (Cause.NO_ANSWER,)
    if entry.category in IRRELEVANCE:
        return (Cause.NOT_DUE,) if calls else ()
    if not calls:
        return (Cause.UNREADABLE if has_unread_call(case, answer) else Cause.NO_CALL,)
    if entry.category == RELEVANCE:
        return ()
    if len(calls) != due:
        repeated = (Cause.REPEATED,) if has_repetition(calls) else ()
        return (Cause.TOO_FEW if len(calls) < due else Cause.TOO_MANY, *repeated)
    if any(call.values is None for call in calls):
        return (Cause.UNREADABLE,)
    wrong = check(entry, [{call.name: call.values} for call in calls])
    return (wrong,) if wrong else ()
