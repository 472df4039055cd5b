"""Attacks a gateway and measures what its other clients see: `make attack`.

First each attack is tried for some seconds, then random bodies are sent for FUZZ_S seconds, drawn
by SEED. The exit status is 1 if one of these got what no request may get; it is printed.
`python -m bench.attack NAME...` tries only the attacks whose names contain one of these.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from bench.attack.apart import SPAN_S, Apart
from bench.attack.attacks import ATTACKS
from bench.attack.fuzz import Fault
from bench.attack.meter import Meter, Reading
from bench.attack.page import LINE, TITLES, Row, row, write
from bench.gateway import gateway_of
from bench.machine import here
from bench.server import Server

MODEL = {"context": 4096, "threads": 1, "preload": True, "sampling": {"temperature": 0}}
SETTLE_S = 0.3
ENCODER = {**MODEL, "context": 512, "embeddings": True, "llama": {"pooling": "last"}}
FUZZ_S, SEED = float(os.environ.get("FUZZ_S") or 60), int(os.environ.get("SEED") or 1)
MAX_IDLE_LOAD = 1.0
NOTHING = "nothing, for comparison"


def measure(server: Server, name: str, apart: Apart) -> tuple[Row, Reading]:
    """What happens while the attack `name` is tried for `SPAN_S`, or while nothing is."""
    if name != NOTHING:
        apart.prepare(name, server.port)
    meter = Meter(server)
    meter.start()
    if name == NOTHING:
        time.sleep(SPAN_S)
        tries, outcomes = 0, Counter[str]()
    else:
        tries, outcomes = apart.attack()
    time.sleep(SETTLE_S)
    reading = meter.stop()
    return row(name, tries, outcomes, reading), reading


def measured(attacks: Sequence[str], apart: Apart) -> Iterator[Row]:
    """Yields a row for each attack, and prints it; replaces a gateway in which answers failed."""
    remaining = deque(attacks)
    while remaining:
        with gateway_of({"m": MODEL, "other": MODEL}) as server:
            failed = 0
            while remaining and not failed:
                one, reading = measure(server, remaining.popleft(), apart)
                failed = reading.failed
                print(LINE.format(*one), flush=True)
                yield one


def fuzz(apart: Apart) -> tuple[Row, list[Fault]]:
    """What happens while random bodies are sent, and the faults that they found."""
    with gateway_of({"m": MODEL, "other": MODEL, "embed": ENCODER}) as server:
        meter = Meter(server)
        meter.start()
        found = apart.fuzz(server.port, SEED, FUZZ_S)
        reading = meter.stop()
    name = f"random bodies for {FUZZ_S:g} s, seed {SEED}"
    return row(name, sum(found.statuses.values()), found.statuses, reading), found.faults


def main(names: Sequence[str]) -> bool:
    """Returns whether no fault was found."""
    is_busy = os.getloadavg()[0] > MAX_IDLE_LOAD
    machine = here("1") + ("; other programs kept it busy" if is_busy else "")
    print(machine, "", LINE.format(*TITLES), sep="\n", flush=True)
    wanted = [name for name in ATTACKS if any(part in name for part in names or [""])]
    with Apart() as apart:
        rows = list(measured([NOTHING, *wanted], apart))
        if names:
            return True
        random, faults = fuzz(apart)
    print(LINE.format(*random), *faults, sep="\n")
    write(machine, [*rows, random])
    return not faults


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:]))
