"""The `tool-gateway` command line: one module per command.

Commands import what they need when they run, so that `--help` does not load the server.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway.cli.chat.command import run
from gateway.cli.evaluate.command import evaluate
from gateway.cli.files.list import list_models
from gateway.cli.files.pull import pull
from gateway.cli.files.rm import rm
from gateway.cli.inspect.check.command import check
from gateway.cli.inspect.doctor.command import doctor
from gateway.cli.inspect.formats import formats
from gateway.cli.inspect.parse import parse
from gateway.cli.inspect.render import render
from gateway.cli.inspect.replay.command import replay
from gateway.cli.key import key
from gateway.cli.mistakes import report
from gateway.cli.server.init import init
from gateway.cli.server.ps import ps
from gateway.cli.server.serve import serve
from gateway.cli.server.stop import stop

HELP = "OpenAI-compatible gateway with tool calling for GGUF models."

app = typer.Typer(
    help=HELP,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for command in (
    *(serve, init, pull, rm, run, ps, stop, key),
    *(parse, replay, formats, render, check, doctor),
):
    app.command()(command)
app.command("list")(list_models)
app.command("eval")(evaluate)
app.command("chat", hidden=True)(run)


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the versions of tool-gateway and llama.cpp.")
    ] = False,
) -> None:
    if version:
        print(versions())
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def versions() -> str:
    """The versions of the gateway and of what computes its models."""
    from importlib.metadata import version

    return f"tool-gateway {version('tool-gateway')}, llama-cpp-python {version('llama-cpp-python')}"


def main() -> None:
    """Runs a command, and exits with its status."""
    try:
        status = app(standalone_mode=False)
    except Exception as error:
        status = report(error)
    sys.exit(status)
