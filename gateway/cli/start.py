"""The entry point of `tool-gateway`, with which Ctrl-C ends a command that is still imported."""

from __future__ import annotations

import signal


def main() -> None:
    """Runs the command of the arguments."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler prints a traceback
    from gateway.cli.main import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()
