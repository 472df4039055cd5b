"""The table of `tool-gateway check`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from gateway.cli.fitted_table import fitted_table
from gateway.cli.inspect.check.report import Report
from gateway.cli.inspect.finding import COLOURS, print_findings
from gateway.models.memory_estimate import in_mb

TITLES = ("", "MODEL", "FILE", "TEMPLATE", "FORMAT", "CONTEXT", "MEMORY", "COMPUTES")
# The columns that are left out where the terminal is too narrow for all, one after the other.
DISPENSABLE = ("TEMPLATE", "COMPUTES", "MEMORY", "CONTEXT", "FILE", "FORMAT")


def print_reports(reports: Sequence[Report]) -> None:
    """Prints a row for each model, and below them what is to be said of some."""
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    rows = [(f"[{COLOURS[one.level]}]{one.level}[/]", *_cells(one)) for one in reports]
    table = fitted_table(TITLES, rows, console, texts=len(TITLES), dispensable=DISPENSABLE)
    console.print(table)
    if findings := [finding for report in reports for finding in report.findings]:
        print()
        print_findings(findings)


def _cells(report: Report) -> tuple[str, ...]:
    context = f"{report.context}"
    context += f" of {report.longest_context}" if report.longest_context else ""
    return (
        escape(report.name),
        f"{in_mb(report.file_bytes)} MB" if report.file_bytes else report.file,
        report.template,
        f"{report.format}, from {report.format_from}" if report.format_from else report.format,
        context,
        f"{in_mb(report.memory_bytes)} MB" if report.memory_bytes else "",
        report.computes,
    )
