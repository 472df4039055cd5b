"""The scorecard as a table for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from gateway.evaluation.run import Outcome
from gateway.evaluation.scorecard import TITLES, causes, cells, rows, total


def print_scorecard(outcomes: Sequence[Outcome]) -> None:
    """Prints the rows, their total, and the causes of wrong answers."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(table(TITLES, map(cells, (*rows(outcomes), total(outcomes))), 2))
    for cause, count in causes(outcomes).most_common():
        console.print(f"{count:>6} {cause}", highlight=False)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], texts: int) -> Table:
    """A table whose first `texts` columns are texts, and whose others are numbers."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, title in enumerate(titles):
        made.add_column(title, justify="left" if i < texts else "right", no_wrap=i >= texts)
    for row in rows:
        made.add_row(*row)
    return made
