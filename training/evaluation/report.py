"""What `make eval` leaves behind: docs/evaluation.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.figure import Figure
from bench.page import markdown, table
from training.evaluation.aim import percent_right
from training.evaluation.ask import AT_ONCE, MOST_TOKENS, Outcome
from training.evaluation.case import KINDS
from training.evaluation.failure import causes
from training.evaluation.side import SIDES, WITH

Row = tuple[str, ...]

MEANT = {
    "call": "one call is due",
    "follow_up": "one is due, after earlier turns",
    "two": "two are due, in any order",
    "talk": "none is due: small talk, plain questions",
    "unserved": "none is due: no tool on offer does it",
    "lacking": "none is due: a required value was not said",
    "result": "a result came: the answer is to state it",
    "failed": "a call failed: the answer is to say so",
}
HEAD = f"""\
# Evaluation

Written by `make eval`: how well the default model calls tools, on tools, values and sentences that
it was not trained on. Every case is sent over HTTP through the OpenAI SDK, {AT_ONCE} at once, and
an answer is cut off after {MOST_TOKENS} tokens. Right is

- a call with the right tool and the same arguments after JSON parsing: 2 is 2.0, and nothing else
  is forgiven; two calls may come in any order;
- no call where none is due;
- after a result, an answer without a call that has each of its values, letter for letter, thousands
  separated or not; a result that has no value counts for its kind, but not for the figure.

{{machine}}

![the share of cases that are right, by side](evaluation.svg)

"""
AGAIN = """
## To repeat it

`make eval`, with `COUNT=20` for 20 cases of each kind. The set is always the same. The sides that
are there to compare with get fewer, from all over the set: 25 of a kind, or as many as `--others`
says.
`.venv/bin/python -m training.evaluation --help` lists more: `--side` for one side alone,
`--adapter` for another file, and `--failures FILE`, which writes every answer that is not right, a
JSON line each, with what was asked, what was expected, and why it is wrong.
"""


def page(figures: Sequence[Figure], every: Sequence[Outcome], machine: Sequence[str]) -> str:
    told = "\n".join(f"- {line}" for line in machine)
    parts = [HEAD.format(machine=told), *table(figures)]
    for title, rows in (
        ("The sides, in per cent that are right", sides(every)),
        (f"The side `{WITH.name}`, kind by kind", [*_kinds(every)]),
        ("What is wrong with the wrong ones", [*_causes(every)]),
    ):
        parts += [f"\n## {title}\n\n", *markdown(rows)]
    return "".join(parts) + AGAIN


def sides(every: Sequence[Outcome]) -> list[Row]:
    """The share that is right, of each kind, by each side that was asked."""
    rows: list[Row] = [("side", "tool_choice", "cases", *KINDS, "what it is")]
    for side in SIDES:
        for choice in side.choices:
            found = [o for o in every if (o.side, o.choice) == (side.name, choice)]
            if found:
                rows.append((side.name, choice, str(len(found)), *_shares(found), side.about))
    return rows


def _shares(found: Sequence[Outcome]) -> Iterator[str]:
    for kind in KINDS:
        of_kind = [outcome for outcome in found if outcome.case.kind == kind]
        yield f"{percent_right(of_kind):.0f}" if of_kind else ""


def _kinds(every: Sequence[Outcome]) -> Iterator[Row]:
    """A lenient reader minds neither case, white space nor a full stop."""
    yield (
        "kind",
        "cases",
        "right",
        "read leniently",
        "right tools",
        "valid calls",
        "what it is",
    )
    for kind, choice, found in _groups(every):
        scores = [outcome.score for outcome in found]
        calls, valid = sum(s.calls for s in scores), sum(s.valid for s in scores)
        near, tools = sum(s.is_near for s in scores), sum(s.has_tools for s in scores)
        right = sum(s.is_right for s in scores)
        shares = (f"{100 * count / len(found):.1f} %" for count in (right, near, tools))
        name = kind if choice == "auto" else f"{kind}, {choice}"
        yield name, str(len(found)), *shares, f"{valid} of {calls}", MEANT[kind]


def _causes(every: Sequence[Outcome]) -> Iterator[Row]:
    yield "kind", "wrong", "causes"
    for kind, choice, found in _groups(every):
        counted = causes(found)
        if counted:
            told = ", ".join(f"{cause} {count}" for cause, count in counted.most_common())
            wrong = sum(not outcome.score.is_right for outcome in found)
            yield kind if choice == "auto" else f"{kind}, {choice}", str(wrong), told


def _groups(every: Sequence[Outcome]) -> Iterator[tuple[str, str, list[Outcome]]]:
    """What the side with the adapter made of each kind."""
    for choice in WITH.choices:
        for kind in KINDS:
            asked = (WITH.name, choice, kind)
            if found := [o for o in every if (o.side, o.choice, o.case.kind) == asked]:
                yield kind, choice, found
