"""The table of `make attack`: for the terminal, and in docs/reliability.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.attack.meter import Reading
from bench.page import markdown

PAGE = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- make attack -->\n", "<!-- end of make attack -->\n"

Row = tuple[str, ...]
TITLES = (
    "attack",
    "tries",
    "`/health` ms",
    "other model ms",
    "same model ms",
    "memory MB",
    "what the attacker got",
)
LINE = "{:<48} {:>5} {:>12} {:>14} {:>13} {:>9}  {}"


def row(name: str, tries: int, outcomes: Mapping[str, int], reading: Reading) -> Row:
    """What an attack did: the longest waits of others, the growth of memory, and its outcomes."""
    waits_s = reading.health_s, reading.other_model_s, reading.same_model_s
    got = [f"{count} × {outcome}" for outcome, count in sorted(outcomes.items())]
    failed = [f"{reading.failed} answers of others failed"] if reading.failed else []
    return (
        name,
        str(tries),
        *(f"{1000 * wait_s:,.0f}" for wait_s in waits_s),
        f"{reading.memory_mb:+.0f}",
        ", ".join([*got, *failed]),
    )


def write(machine: str, rows: Sequence[Row]) -> None:
    """Replace the table in docs/reliability.md."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    table = "".join(markdown([TITLES, *rows]))
    PAGE.write_text(f"{before}{BEGIN}{machine}.\n\n{table}{END}{after}")
