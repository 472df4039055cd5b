"""Attacks a gateway and measures what its other clients see: `make attack`.

`python -m bench.attack NAME...` tries only the attacks whose names contain one of these.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from bench.attack.attack import Attack, End
from bench.attack.attacker import Attacker
from bench.attack.attacks import ATTACKS
from bench.attack.meter import Meter, Reading
from bench.attack.page import LINE, TITLES, Row, row, write
from bench.gateway import gateway_of
from bench.machine import here
from bench.server import Server

MODEL = {"context": 4096, "threads": 1, "preload": True, "sampling": {"temperature": 0}}
SPAN_S, PATIENCE_S, SETTLE_S = 3.0, 15.0, 0.5
NOTHING = "nothing, for comparison"


def measure(server: Server, attack: Attack | None) -> tuple[Row, Reading]:
    """What happens while `attack` is tried for `SPAN_S`, or while nothing is."""
    meter = Meter(server)
    if attack is None:
        meter.start()
        time.sleep(SPAN_S)
        reading = meter.stop()
        return row(NOTHING, 0, Counter(), reading), reading
    attacker = Attacker(attack, server.port, SPAN_S)
    meter.start()
    attacker.start()
    attacker.wait(SPAN_S if attack.end is End.HOLD else PATIENCE_S)
    attacker.stop()
    time.sleep(SETTLE_S)
    reading = meter.stop()
    return row(attack.name, attacker.tries, attacker.outcomes, reading), reading


def measured(attacks: Sequence[Attack | None]) -> Iterator[Row]:
    """Yields a row for each attack, and prints it; replaces a gateway in which answers failed."""
    remaining = deque(attacks)
    while remaining:
        with gateway_of({"m": MODEL, "other": MODEL}) as server:
            failed = 0
            while remaining and not failed:
                one, reading = measure(server, remaining.popleft())
                failed = reading.failed
                print(LINE.format(*one), flush=True)
                yield one


def main(names: Sequence[str]) -> None:
    machine = here("1")
    print(machine, "", LINE.format(*TITLES), sep="\n", flush=True)
    wanted = [a for name, a in ATTACKS.items() if any(part in name for part in names or [""])]
    rows = list(measured([None, *wanted]))
    if not names:
        write(machine, rows)


if __name__ == "__main__":
    main(sys.argv[1:])
