"""The `ps` command."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.options import DEFAULT_URL, GatewayUrl


def ps(
    url: GatewayUrl = DEFAULT_URL,
    once: Annotated[bool, typer.Option("--once", help="Print the table once and exit.")] = False,
) -> None:
    """Show the models of a running gateway: state, memory, requests, context use.

    If the gateway requires an API key, set it in TOOL_GATEWAY_KEY.
    """
    from gateway.cli.server.running_gateway import RunningGateway
    from gateway.cli.server.status_table import watch

    watch(RunningGateway(url), once=once)
