"""The scorecard as a table for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from gateway.evaluation.run import Outcome
from gateway.evaluation.scorecard import TITLES, causes, cells, rows, total


def print_table(outcomes: Sequence[Outcome]) -> None:
    """Prints the rows, their total, and the causes of wrong answers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, title in enumerate(TITLES):
        table.add_column(title, justify="left" if i < 2 else "right", no_wrap=True)
    for row in (*rows(outcomes), total(outcomes)):
        table.add_row(*cells(row))
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(table)
    for cause, count in causes(outcomes).most_common():
        console.print(f"{count:>6} {cause}", highlight=False)
