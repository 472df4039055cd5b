"""Runs the examples in a subprocess."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tests.fakes import REPO

UNCHANGED: Mapping[str, str] = MappingProxyType({})


def run(name: str, *arguments: str, folder: Path, typed: str = "") -> list[str]:
    """The lines that the example prints; `typed` is its standard input."""
    command = [sys.executable, str(REPO / "examples" / f"{name}.py"), *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(REPO)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def moved(name: str, url: str, folder: Path, changes: Mapping[str, str] = UNCHANGED) -> str:
    """A copy of the example in `folder` that uses the gateway at `url`, with other `changes`."""
    text = (REPO / "examples" / f"{name}.py").read_text()
    for before, after in {"http://127.0.0.1:8000": url, **changes}.items():
        assert before in text
        text = text.replace(before, after)
    (folder / f"{name}.py").write_text(text)
    return str(folder / name)
