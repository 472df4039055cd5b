"""Compares the gateway with llama-server and with a bare llama.cpp loop: `make bench`.

`python -m bench NAME...` runs only the named modules and writes no page. The three sides take turns
within one run, since the speed of a machine drifts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from bench.bare import SOURCE, Bare
from bench.calls import CALLS
from bench.engine import ENGINE
from bench.fairness import FAIRNESS
from bench.figure import CONTEXT, THREADS, Figure, Measurement, Sides
from bench.gateway import gateway
from bench.machine import this_machine
from bench.memory import MEMORY
from bench.neighbour import NEIGHBOUR
from bench.page import LINE, Section, line, page
from bench.peer import peer
from bench.plot import plot
from bench.prefix import PREFIX
from bench.streaming import STREAMING
from bench.tools import OFFERED
from gateway.hub.source import locate

DOCS = Path(__file__).parent.parent / "docs"
MEASUREMENTS: dict[str, Sequence[Measurement]] = {
    "streaming": STREAMING,
    "calls": CALLS,
    "prefix": PREFIX,
    "fairness": FAIRNESS,
    "memory": MEMORY,
    "tools": OFFERED,
    "neighbour": NEIGHBOUR,
    "cost": ENGINE,
}
# Modules with figures without a target, each with `TITLE` and `rows()`.
SECTIONS = ("engine", "drafts", "schemas", "decoding")


def main(names: Sequence[str]) -> None:
    machine = this_machine().lines
    print(
        *machine, "", LINE.format("", "value", "target", "", "from").rstrip(), sep="\n", flush=True
    )
    figures = list(_figures(names or [*MEASUREMENTS]))
    sections = list(_sections(names or SECTIONS))
    if not names:
        (DOCS / "performance.md").write_text(page(figures, machine, sections))
        (DOCS / "performance.svg").write_text(plot(figures))


def _figures(names: Sequence[str]) -> Iterator[Figure]:
    """Yields each figure and prints it as soon as it is measured."""
    wanted = [m for name in names for m in MEASUREMENTS.get(name, ())]
    if not wanted:
        return
    bare = Bare(str(locate(SOURCE, Path())), CONTEXT, THREADS)
    with gateway(CONTEXT, THREADS) as ours, peer(CONTEXT, THREADS) as theirs:
        for measurement in wanted:
            for figure in measurement.figures(Sides(bare, ours, theirs)):
                print(line(figure), flush=True)
                yield figure


def _sections(names: Sequence[str]) -> Iterator[Section]:
    for name in names:
        if name in SECTIONS and find_spec(f"bench.{name}"):
            module = import_module(f"bench.{name}")
            rows = [*module.rows()]
            print(
                f"\n{module.TITLE}", *("{:<60} {:>10} {:>8}".format(*row) for row in rows), sep="\n"
            )
            yield module.TITLE, rows


if __name__ == "__main__":
    main(sys.argv[1:])
