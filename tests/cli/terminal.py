"""The command line in a pseudo-terminal, as a user sees it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pexpect

from tests.fakes import REPO

COMMAND = (sys.executable, "-c", "from gateway.cli.start import main; main()")
CTRL_C = "\x03"
TIMEOUT_S = 30.0  # no test waits this long unless it fails
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

Process: TypeAlias = "pexpect.spawn[str]"


@contextmanager
def terminal(
    *arguments: str | Path,
    columns: int = 80,
    folder: Path = REPO,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    """`tool-gateway` with these arguments, `columns` wide; killed at the end of the context."""
    # A test runner may set COLUMNS, which has precedence over the size of the terminal.
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    own = {**inherited, "PYTHONPATH": str(REPO), "TERM": "xterm-256color", **(environment or {})}
    process = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], *map(str, arguments)],
        timeout=TIMEOUT_S,
        cwd=str(folder),
        env=own,
        encoding="utf-8",
        dimensions=(24, columns),
    )
    try:
        yield process
    finally:
        process.close(force=True)


def ended(process: Process) -> tuple[int, str]:
    """Waits for the end; returns the exit status, -N for signal N, and what was shown last."""
    process.expect(pexpect.EOF)
    process.close()
    status = process.exitstatus
    return -(process.signalstatus or 0) if status is None else status, text(process.before or "")


def text(shown: str) -> str:
    """What the terminal shows, without colours, cursor movements and carriage returns."""
    return ESCAPE.sub("", shown).replace("\r\n", "\n")
