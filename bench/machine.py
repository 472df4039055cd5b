"""The machine and the builds of a benchmark run."""

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
    """The date and hardware, and the builds of both sides."""

    here: str
    ours: str
    theirs: str

    @property
    def lines(self) -> tuple[str, ...]:
        return (
            self.here,
            f"gateway: {self.ours}",
            f"llama-server: {self.theirs}",
            *lacking(self.ours, self.theirs),
        )


def this_machine() -> Machine:
    return Machine(here(str(THREADS)), build(), f"{peer.name()}, {_used(peer.features())}")


def here(threads: str) -> str:
    """The date and the hardware."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text())
    processor, memory_gb = model[1] if model else "unknown", int(memory[1]) / 2**20 if memory else 0
    return (
        f"{date.today().isoformat()}: {processor}, {os.cpu_count() or 1} cores,"
        f" {memory_gb:.0f} GB of memory; threads: {threads};"
        f" load average at the start: {os.getloadavg()[0]:.2f}"
    )


def build() -> str:
    """The llama.cpp build of the gateway."""
    return f"llama-cpp-python {version('llama-cpp-python')}, {_used(bare.features())}"


def lacking(ours: str, theirs: str) -> tuple[str, ...]:
    """A warning if llama-server was compiled with fewer CPU features than the gateway."""
    missing = [word for word in ours.split() if "AVX" in word and word not in theirs.split()]
    if "AVX" not in theirs or not missing:
        return ()
    return (
        f"llama-server was compiled without {', '.join(missing)}, which explains a part of"
        " every ratio to it",
    )


def _used(features: str) -> str:
    """`CPU : AVX = 1 | AVX2 = 1 | ` -> `AVX AVX2`."""
    return " ".join(re.findall(r"(\w+) = 1", features)) or features
