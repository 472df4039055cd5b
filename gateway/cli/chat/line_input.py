"""Reads what the user types: lines with editing and history, and texts of several lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROMPT, CONTINUED = ">>> ", "... "
QUOTES = '"""'
MAX_HISTORY = 1000
CHOICES = {"": True, "y": True, "yes": True, "n": False, "no": False, "a": None, "all": None}


@contextmanager
def history() -> Iterator[None]:
    """Within the context, lines have the history of earlier chats, which is kept for later ones."""
    try:
        import readline
    except ImportError:  # a Python without it still reads lines
        yield
        return
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    path = state / "tool-gateway/chat-history"
    readline.set_auto_history(False)
    readline.set_history_length(MAX_HISTORY)
    with suppress(OSError):
        readline.read_history_file(path)
    try:
        yield
    finally:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(0o600)
            readline.write_history_file(path)


def read_question() -> str | None:
    """One line, or the lines between triple quotes; None at Ctrl-C and Ctrl-D."""
    try:
        line = _remembered(input(PROMPT))
        if not line.lstrip().startswith(QUOTES):
            return line
        lines = [line.lstrip().removeprefix(QUOTES)]
        while not lines[-1].rstrip().endswith(QUOTES):
            lines.append(_remembered(input(CONTINUED)))
    except (EOFError, KeyboardInterrupt):
        print()
        return None
    lines[-1] = lines[-1].rstrip().removesuffix(QUOTES)
    return "\n".join(lines).strip("\n")


def confirmed(name: str) -> bool | None:
    """Whether the user allows a call of `name`; None allows it and all later ones."""
    while True:
        # Not by `input`, which writes to stdout: the answer may go to a file.
        print(f"call {name}? [Y/n/a(ll)] ", end="", file=sys.stderr, flush=True)
        try:
            answer = input().strip().lower()
        except EOFError:
            return False
        if answer in CHOICES:
            return CHOICES[answer]


def _remembered(line: str) -> str:
    """Appends a line to the history."""
    with suppress(ImportError):
        import readline

        if line.strip():
            readline.add_history(line)
    return line
