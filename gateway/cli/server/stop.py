"""The `stop` command."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.options import DEFAULT_URL, GatewayUrl


def stop(
    model: Annotated[str, typer.Argument(help="Name or alias of the model.")],
    url: GatewayUrl = DEFAULT_URL,
) -> None:
    """Unload a model of a running gateway, after its requests have finished.

    The next request loads it again. If the gateway requires an API key, set it
    in TOOL_GATEWAY_KEY.
    """
    from urllib.parse import quote

    from gateway.cli.server.running_gateway import RunningGateway

    state = RunningGateway(url).post(f"/v1/models/{quote(model)}/unload")
    print(f"{state['id']} is {state['state']}")
