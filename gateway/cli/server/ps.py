"""The `ps` command."""

from __future__ import annotations

import os
from typing import Annotated

import typer


def ps(
    url: Annotated[str, typer.Option(help="URL of the gateway.")] = "http://127.0.0.1:8000",
    once: Annotated[bool, typer.Option("--once", help="Print the table once and exit.")] = False,
) -> None:
    """Show the models of a running gateway: state, memory, requests, context use.

    If the gateway requires an API key, set it in TOOL_GATEWAY_KEY.
    """
    from gateway.cli.server.status_table import Source, watch

    watch(Source(url, os.environ.get("TOOL_GATEWAY_KEY", "")), once=once)
