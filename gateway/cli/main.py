"""The `tool-gateway` command line: one module per command.

Commands import what they need when they run, so that `--help` does not load the server.
"""

from __future__ import annotations

import sys

import typer

from gateway.cli.evaluate.command import evaluate
from gateway.cli.inspect.check import check
from gateway.cli.inspect.formats import formats
from gateway.cli.inspect.parse import parse
from gateway.cli.inspect.render import render
from gateway.cli.key import key
from gateway.cli.server.init import init
from gateway.cli.server.ps import ps
from gateway.cli.server.serve import serve
from gateway.errors import GatewayError

HELP = "OpenAI-compatible gateway with tool calling for GGUF models."

app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False)
for command in (serve, init, ps, key, parse, formats, render, check):
    app.command()(command)
app.command("eval")(evaluate)


def main() -> None:
    """Runs a command; a GatewayError is printed without a traceback and exits with status 1."""
    try:
        app()
    except GatewayError as error:
        sys.exit(f"error: {error.message}")
