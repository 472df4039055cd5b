"""The table of `python -m bench.routing`: for the terminal, and in docs/scaling.md."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from bench.page import markdown
from bench.routing.simulation import Result

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
BEGIN, END = "<!-- python -m bench.routing -->\n", "<!-- end of python -m bench.routing -->\n"

Row = tuple[str, ...]
TITLES = (
    "replicas",
    "router",
    "prefix hits",
    "busiest / average",
    "first token, median ms",
    "95 % ms",
    "a decision, µs",
)


def row(replicas: int, router: str, result: Result) -> Row:
    """What was seen: the median of decisions, since other processes interrupt some."""
    waits_ms = [1000 * wait_s for wait_s in result.first_token_s]
    return (
        str(replicas),
        router,
        f"{result.hit_rate:.1%}",
        f"{result.imbalance:.2f}",
        f"{statistics.median(waits_ms):,.0f}",
        f"{statistics.quantiles(waits_ms, n=20)[-1]:,.0f}",
        f"{1e6 * statistics.median(result.decisions_s):,.0f}",
    )


def with_table(page: str, machine: str, rows: Sequence[Row]) -> str:
    """`page` with these rows in the place of its table."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}{machine}.\n\n{''.join(markdown([TITLES, *rows]))}{END}{after}"
