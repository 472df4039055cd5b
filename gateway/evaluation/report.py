"""The scorecard as a Markdown page, with a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.evaluation.plot import Bar, Group, plot
from gateway.evaluation.run import Outcome
from gateway.evaluation.scorecard import TITLES, causes, cells, rows, total


def page(title: str, facts: Sequence[str], outcomes: Sequence[Outcome], picture: str) -> str:
    """The page; `facts` are listed below its title, and `picture` is the file name of the SVG."""
    parts = [
        f"# {title}\n\n",
        "Made by `tool-gateway eval`; docs/evaluating-models.md describes columns and cases.\n\n",
        *(f"- {fact}\n" for fact in facts),
        f"\n![right answers in per cent]({picture})\n\n",
        *_table((TITLES, *map(cells, (*rows(outcomes), total(outcomes))))),
    ]
    found = causes(outcomes).most_common()
    if found:
        parts += ["\n## Causes of wrong answers\n\n"]
        parts += _table((("cause", "answers"), *((cause, str(count)) for cause, count in found)))
    return "".join(parts)


def picture(outcomes: Sequence[Outcome]) -> str:
    """An SVG with a bar for each row of the scorecard, and one for all."""
    bars = [Bar(f"{row.kind}, {row.choice}", row.percent) for row in rows(outcomes)]
    whole = Bar("all", total(outcomes).percent)
    return plot([Group("right answers in per cent", [*bars, whole])])


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table; the first row has its titles."""
    head, *others = [f"| {' | '.join(cell.replace('|', ' ') for cell in row)} |\n" for row in rows]
    yield from (head, "|---" * len(rows[0]) + "|\n", *others)
