"""Runs the examples in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.fakes import REPO


def run(name: str, *arguments: str, folder: Path, typed: str = "") -> list[str]:
    """The lines that an example prints."""
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
    """The same example, in `folder`, that asks at another address."""
    text = (REPO / "examples" / f"{name}.py").read_text()
    changed = text.replace("http://127.0.0.1:8000", url)
    assert changed != text
    (folder / f"{name}.py").write_text(changed)
    return str(folder / name)
