"""Resident memory, of servers that have been at work, over llama.cpp's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.bare import SOURCE
from bench.figure import CONTEXT, THREADS, Aim, Measurement, Sides, Value
from gateway.source import locate


def resident(sides: Sides) -> Iterator[Value]:
    command = [sys.executable, "-m", "bench.bare", str(locate(SOURCE, Path()))]
    command += [str(CONTEXT), str(THREADS)]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    python_mb, bare_mb = map(float, printed.split())
    ours_mb, theirs_mb = sides.gateway.resident_mb, sides.peer.resident_mb
    yield (
        ours_mb - bare_mb,
        f"{ours_mb:.0f} - {bare_mb:.0f} MB (of these {python_mb:.0f} Python and its libraries);"
        f" llama-server {theirs_mb:.0f} MB",
    )


MEMORY = (Measurement((Aim("memory beyond a bare process", 150, unit="MB"),), resident),)
