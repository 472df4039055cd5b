"""What an inspection found: fine, worth knowing, or a problem, with its cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import typer


class Level(StrEnum):
    """How much a finding matters; a problem fails the command."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


COLOURS = {Level.OK: "green", Level.NOTE: "yellow", Level.PROBLEM: "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding about `subject`; `cure` is what to do, if there is anything to do."""

    subject: str
    text: str
    level: Level = Level.OK
    cure: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.text}: {self.cure}" if self.cure else self.text


def print_findings(findings: list[Finding]) -> None:
    """Prints a line for each finding; levels are coloured on a terminal."""
    width = max((len(finding.subject) for finding in findings), default=0)
    for one in findings:
        level = typer.style(f"{one.level:<{len(Level.PROBLEM)}}", fg=COLOURS[one.level])
        typer.echo(f"{level}  {one.subject:<{width}}  {one.sentence}")
