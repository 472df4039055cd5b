"""The command line as a whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from tests.e2e.conftest import REPO, TOOL_GATEWAY

COMMANDS = ("serve", "ps", "stop", "key", "parse", "replay", "formats", "render", "check", "eval")
HEAVY = ("fastapi", "httpx", "huggingface_hub", "llguidance", "numpy", "pydantic")


def test_help_lists_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120"}).output
    assert [name for name in COMMANDS if f" {name} " not in shown] == []


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help(option: str) -> None:
    for command in ((), *((name,) for name in COMMANDS)):
        result = CliRunner().invoke(app, [*command, option])
        assert result.exit_code == 0
        assert "Usage: " in result.output


def test_version_names_the_gateway_and_what_computes() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert re.fullmatch(r"tool-gateway \d\S+, llama-cpp-python \d\S+\n", result.output)


COMPLETION = "_TOOL_GATEWAY_COMPLETE"
ON_PATH = {"PATH": f"{TOOL_GATEWAY.parent}:{os.environ['PATH']}", "PYTHONPATH": str(REPO)}


def test_bash_completes_commands_and_options() -> None:
    script = f"""
        eval "$({COMPLETION}=source_bash tool-gateway)"
        for line in "tool-gateway sto" "tool-gateway serve --por"; do
            COMP_WORDS=($line)
            COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
            _tool_gateway_completion tool-gateway
            echo "${{COMPREPLY[@]}}"
        done
    """
    assert run("bash", "-c", script, environment=ON_PATH) == "stop\n--port\n"


def test_zsh_completes_commands_and_options() -> None:
    asked = {**ON_PATH, COMPLETION: "complete_zsh", "_TYPER_COMPLETE_ARGS": "tool-gateway sto"}
    assert '"stop":"Unload a model' in run("tool-gateway", environment=asked)
    asked["_TYPER_COMPLETE_ARGS"] = "tool-gateway serve --por"
    assert '"--port":"Port to listen on' in run("tool-gateway", environment=asked)


def run(*command: str, environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_no_heavy_library_is_imported_before_a_command_runs() -> None:
    code = "import sys, gateway.cli.main; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(HEAVY) & set(result.stdout.split()) == set()


@pytest.mark.parametrize("words", ["-h", "--version", "formats", "key someone"])
def test_light_commands_import_no_heavy_library(words: str) -> None:
    code = f"""
import sys
from gateway.cli.main import app
try:
    app({words.split()}, standalone_mode=False)
finally:
    print(*sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {*done.stderr.split()}
    assert "gateway.cli.main" in imported
    heavy = {*HEAVY, "llama_cpp", "jinja2", "prometheus_client"} - {"pydantic"}  # typer needs it
    assert imported & heavy == set()
