"""Simulates routers with the traffic of agents: `python -m bench.routing`.

It prints a table and writes it into docs/scaling.md, which takes some minutes.
`python -m bench.routing 2 8` simulates only 2 and 8 replicas, and writes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from bench.machine import here
from bench.page import markdown
from bench.routing.page import PAGE, TITLES, Row, row, with_table
from bench.routing.routers import ROUTERS
from bench.routing.simulation import simulate
from bench.routing.traffic import traffic

SEEDS = (7, 8, 9)  # of the traffic; the constants of the policy were found on others
CONVERSATIONS_S = 0.075  # that begin at a replica, which has 0.6 requests a second then
SECONDS = {2: 2400.0, 8: 1200.0, 64: 600.0, 512: 300.0}  # by the number of replicas


def main(sizes: Sequence[int]) -> None:
    print(*markdown([TITLES]), sep="", end="", flush=True)
    rows = [*_rows(sizes or [*SECONDS])]
    if not sizes:
        PAGE.write_text(with_table(PAGE.read_text(), here("1"), rows))


def _rows(sizes: Sequence[int]) -> Iterator[Row]:
    """Yields each row and prints it as soon as it is there."""
    for replicas in sizes:
        seconds = SECONDS.get(replicas, 300.0)
        sent = [traffic(seed, CONVERSATIONS_S * replicas, seconds) for seed in SEEDS]
        for name, router in ROUTERS.items():
            found = row(replicas, name, [simulate(replicas, one, router) for one in sent])
            print(f"| {' | '.join(found)} |", flush=True)
            yield found


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]])
