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
from gateway.hub.cache import cached, reference_of
from gateway.hub.download import OnProgress, download
from gateway.hub.messages import Progress
from gateway.hub.progress_lines import ProgressLines, text_of
from gateway.hub.reference import Reference, is_hub_model, parse_reference
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


def fetch_reference_shown(reference: Reference) -> Path:
    """The file that a reference means, as `fetch_shown`; one that is not exact asks the hub."""
    on_disk = cached(reference) if reference.is_exact else None
    return on_disk or _run(lambda on_progress: download(reference, on_progress))


def fetched_source(model: str) -> str:
    """The `source` of a model that is named by a source, or by a page or repository of the hub.

    Its file is on disk then, as `fetch_shown`; a path is returned as it is.
    """
    if not is_hub_model(model):
        return model
    return str(reference_of(fetch_reference_shown(parse_reference(model))))


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
