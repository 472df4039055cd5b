"""The table of `python -m bench.routing`: for the terminal, and in docs/scaling.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median, quantiles

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


def row(replicas: int, router: str, results: Sequence[Result]) -> Row:
    """What was seen: means of the results, and the quantiles of all their requests."""
    waits_ms = [1000 * wait_s for result in results for wait_s in result.first_token_s]
    decisions_s = [decision_s for result in results for decision_s in result.decisions_s]
    return (
        str(replicas),
        router,
        f"{fmean(result.hit_rate for result in results):.1%}",
        f"{fmean(result.imbalance for result in results):.2f}",
        f"{median(waits_ms):,.0f}",
        f"{quantiles(waits_ms, n=20)[-1]:,.0f}",
        f"{1e6 * median(decisions_s):,.0f}",
    )


def with_table(page: str, machine: str, rows: Sequence[Row]) -> str:
    """`page` with these rows in the place of its table."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}{machine}.\n\n{''.join(markdown([TITLES, *rows]))}{END}{after}"
