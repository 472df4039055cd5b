"""What was measured on."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

from bench import bare, peer
from bench.figure import THREADS


@dataclass(frozen=True, slots=True)
class Machine:
    processor: str
    cores: int
    memory_gb: float
    threads: int
    load: float
    day: str
    ours: str
    theirs: str

    @property
    def lines(self) -> tuple[str, ...]:
        return (
            f"{self.day}: {self.processor}, {self.cores} cores, {self.memory_gb:.0f} GB of memory;"
            f" threads: {self.threads}; load average at the start: {self.load:.2f}",
            f"gateway: {self.ours}",
            f"llama-server: {self.theirs}",
            *lacking(self.ours, self.theirs),
        )


def this_machine() -> Machine:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text())
    return Machine(
        processor=model[1] if model else "unknown",
        cores=os.cpu_count() or 1,
        memory_gb=int(memory[1]) / 2**20 if memory else 0,
        threads=THREADS,
        load=os.getloadavg()[0],
        day=date.today().isoformat(),
        ours=f"llama-cpp-python {version('llama-cpp-python')}, {_used(bare.features())}",
        theirs=f"{peer.name()}, {_used(peer.features())}",
    )


def lacking(ours: str, theirs: str) -> tuple[str, ...]:
    """A warning, if llama-server was compiled for less than the gateway's llama.cpp."""
    missing = [word for word in ours.split() if "AVX" in word and word not in theirs.split()]
    if "AVX" not in theirs or not missing:
        return ()
    return (
        f"llama-server was compiled without {', '.join(missing)}: a part of every ratio to it is"
        " the compiler's doing, not the gateway's",
    )


def _used(features: str) -> str:
    """`CPU : AVX = 1 | AVX2 = 1 | ` -> `AVX AVX2`."""
    return " ".join(re.findall(r"(\w+) = 1", features)) or features
