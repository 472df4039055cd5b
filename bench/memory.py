"""Resident memory of both servers after a request, compared with bare llama.cpp.

`prefix_cache` holds nothing here, since no prefix is evicted; its memory comes on top.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.bare import SOURCE
from bench.calls import WEATHER
from bench.figure import CONTEXT, THREADS, Aim, Measurement, Sides, Value
from bench.gateway import gateway
from bench.server import user_message
from gateway.hub.source import locate


def resident(sides: Sides) -> Iterator[Value]:
    command = [sys.executable, "-m", "bench.bare", str(locate(SOURCE, Path()))]
    command += [str(CONTEXT), str(THREADS)]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    python_mb, bare_mb = map(float, printed.split())
    with gateway(CONTEXT, THREADS) as fresh:
        fresh.ask(messages=user_message("Hello"), tools=[WEATHER], max_tokens=30)
        ours_mb, theirs_mb = fresh.resident_mb, sides.peer.resident_mb
    yield (
        ours_mb - bare_mb,
        f"{ours_mb:.0f} - {bare_mb:.0f} MB (Python and its libraries: {python_mb:.0f} MB);"
        f" llama-server {theirs_mb:.0f} MB",
    )


MEMORY = (Measurement((Aim("memory beyond a bare process", 150, unit="MB"),), resident),)
