"""The `formats` command."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def formats(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print docs/formats.md, which has more columns.")
    ] = False,
) -> None:
    """List the tool-call formats: call syntax, reasoning markers, calls per turn."""
    from gateway.cli.inspect.formats_table import as_markdown, as_table

    if markdown:
        print(as_markdown())
        return

    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 100).print(as_table())
