"""Finds the file of a source, and shows its download on standard error."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from gateway.cli.mistakes import INTERRUPTED
from gateway.config.load import Entry
from gateway.hub.download import OnProgress, download
from gateway.hub.messages import Progress
from gateway.hub.progress_lines import ProgressLines, text_of
from gateway.hub.reference import Reference
from gateway.hub.source import fetch


def fetch_shown(source: str, folder: Path = Path()) -> Path:
    """The path of the file that `source` names, downloaded if necessary.

    Ctrl-C ends the command. Raises what `fetch` raises.
    """
    return _run(lambda on_progress: fetch(source, folder, on_progress))


def fetch_entry_shown(entry: Entry, folder: Path) -> list[Path]:
    """The files of a model and of its adapters, as `fetch_shown`; none if it is remote."""
    if entry.is_remote:
        return []
    return [fetch_shown(source, folder) for source in (entry.source, *dict(entry.lora))]


def download_shown(reference: Reference) -> Path:
    """Downloads what a reference means; as `fetch_shown` otherwise."""
    return _run(lambda on_progress: download(reference, on_progress))


def _run(begin: Callable[[OnProgress], Coroutine[Any, Any, Path]]) -> Path:
    try:
        with _shown() as on_progress:
            return asyncio.run(begin(on_progress))
    except KeyboardInterrupt:
        print("stopped; run it again to resume", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _shown() -> Iterator[OnProgress]:
    """Shows progress: as a bar on a terminal, otherwise as a line for each tenth."""
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = ProgressLines()
        yield lambda progress: _print(lines.next(progress))
        return
    columns = (BarColumn(None), TextColumn("{task.description}"))
    with Bar(*columns, console=console, expand=True, transient=True) as bar:
        task = bar.add_task("asking the hub", total=None)

        def show(progress: Progress) -> None:
            done, total = progress.done_bytes, progress.total_bytes
            bar.update(task, completed=done, total=total, description=text_of(progress))

        yield show


def _print(line: str | None) -> None:
    if line:
        print(line, file=sys.stderr, flush=True)
