"""What a command prints when it fails: one line on standard error, and never a traceback."""

from __future__ import annotations

import os
import sys

import typer

from gateway.errors import GatewayError

INTERRUPTED = 130  # the exit status after Ctrl-C, as shells have it
TRACEBACK = "TOOL_GATEWAY_TRACEBACK"  # an environment variable; if it is set, tracebacks are shown


def report(error: Exception) -> int:
    """Prints the line for what a command raised, and returns the exit status of the command.

    The status is 2 for a command line that is invalid, as is usual, 130 for Ctrl-C at a question,
    and 1 otherwise.
    """
    if isinstance(error, typer.Abort):
        print("\nstopped", file=sys.stderr)
        return INTERRUPTED
    if os.environ.get(TRACEBACK):
        raise error
    print(f"error: {_line(error)}", file=sys.stderr)
    return error.exit_code if isinstance(error, typer.TyperException) else 1


def _line(error: Exception) -> str:
    match error:
        case typer.TyperException():
            return f"{_in_one_line(error.format_message())}{_help(error)}"
        case GatewayError():
            return error.message
        case OSError(filename=str(path), strerror=str(reason)):
            return f"{path}: {reason}"
    what = _in_one_line(f"{type(error).__name__}: {error}")
    return f"a bug in tool-gateway: {what}; {TRACEBACK}=1 in the environment shows where"


def _help(error: typer.TyperException) -> str:
    """Names the help of the command that was misused."""
    command = getattr(getattr(error, "ctx", None), "command_path", "")
    return f" (see `{command} -h`)" if command else ""


def _in_one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
