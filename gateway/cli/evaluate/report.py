"""Writes the page of a scorecard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from gateway.cli.evaluate.servers import Server
from gateway.errors import ConfigError
from gateway.evaluation.report import page, picture
from gateway.evaluation.run import Outcome, Suite


def check_path(path: Path) -> None:
    """Raises ConfigError if a page can't be written to `path`, before anything is asked."""
    if not path.parent.is_dir():
        raise ConfigError(f"--report: there is no folder {path.parent}")


def write(
    path: Path, model: str, server: Server, suite: Suite, every: int, found: Sequence[Outcome]
) -> None:
    """Writes a Markdown page to `path` and its picture beside it; raises ConfigError."""
    svg = path.with_suffix(".svg")
    facts = (
        f"{date.today().isoformat()}, {server.about}",
        f"{len(found)} cases of the suite {suite.name}{_part(every)}, asked greedily",
    )
    try:
        path.write_text(page(model, facts, found, svg.name), encoding="utf-8")
        svg.write_text(picture(found), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error


def _part(every: int) -> str:
    return f", one in {every} of each kind" if every > 1 else ""
