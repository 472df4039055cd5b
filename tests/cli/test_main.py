"""The command line as a whole."""

from __future__ import annotations

import subprocess
import sys

from typer.testing import CliRunner

from gateway.cli.main import app

COMMANDS = ("serve", "ps", "key", "parse", "formats", "render", "check", "eval")
HEAVY = ("fastapi", "httpx", "huggingface_hub", "llguidance", "numpy", "pydantic")


def test_help_lists_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120"}).output
    assert [name for name in COMMANDS if f" {name} " not in shown] == []


def test_no_heavy_library_is_imported_before_a_command_runs() -> None:
    code = "import sys, gateway.cli.main; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(HEAVY) & set(result.stdout.split()) == set()
