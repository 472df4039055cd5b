"""Runs the examples in a subprocess."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.fakes import REPO


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


def moved(name: str, url: str, folder: Path) -> str:
    """A copy of the example in `folder` that uses the gateway at `url`."""
    text = (REPO / "examples" / f"{name}.py").read_text()
    changed = text.replace("http://127.0.0.1:8000", url)
    assert changed != text
    (folder / f"{name}.py").write_text(changed)
    return str(folder / name)
