"""A table for a terminal, without the columns for which that is too narrow."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.console import Console
from rich.table import Table

UNLIMITED = 10_000  # columns


def fitted_table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    console: Console,
    *,
    texts: int,
    dispensable: Sequence[str],
) -> Table:
    """A table whose first `texts` columns are texts, and whose others are numbers.

    The `dispensable` columns are left out one after the other, until the others fit the console.
    """
    left_out: list[str] = []
    unlimited = console.options.update_width(UNLIMITED)
    for title in (*dispensable, None):
        table = _table(titles, rows, texts, left_out)
        if title is None or console.measure(table, options=unlimited).maximum <= console.width:
            break
        left_out.append(title)
    return table


def _table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], texts: int, left_out: Collection[str]
) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    shown = [i for i, title in enumerate(titles) if title not in left_out]
    for i in shown:
        table.add_column(titles[i], justify="left" if i < texts else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(row[i] for i in shown))
    return table
