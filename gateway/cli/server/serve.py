"""The `serve` command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigPath, load_config

if TYPE_CHECKING:
    from gateway.admission.key_ring import KeyRing


def serve(
    config: ConfigPath = DEFAULT_CONFIG,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    keys: Annotated[
        Path | None,
        typer.Option(help="Require one of the API keys in this file; see `tool-gateway key`."),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Allow a non-loopback address without API keys."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option(help="Log details, for example why the prefix cache missed.")
    ] = False,
    log: Annotated[
        Literal["text", "json"], typer.Option(help="Log format: plain text, or JSON lines.")
    ] = "text",
    log_prompts: Annotated[
        bool, typer.Option("--log-prompts", help="Log prompts and answers.")
    ] = False,
) -> None:
    """Serve the models over HTTP.

    API keys can also be set in TOOL_GATEWAY_KEYS: the lines of a key file,
    separated by commas or newlines.
    """
    import gc
    import logging

    from gateway.api import server
    from gateway.app import create_app
    from gateway.observe.logs import set_up

    loaded, accepted = load_config(config), _api_keys(keys)
    if not (accepted.limits or insecure):
        server.check_address(host)
    set_up(log, logging.DEBUG if verbose else logging.INFO)
    gc.freeze()  # the garbage collector pauses all streams: keep it off permanent objects
    app = create_app(loaded, keys=accepted, path=config, log_prompts=log_prompts)
    server.run(app, host, port, loaded.grace_s)


def _api_keys(path: Path | None) -> KeyRing:
    """The keys of TOOL_GATEWAY_KEYS and of the file at `path`."""
    from gateway.admission.api_keys import read_keys
    from gateway.admission.key_ring import KeyRing

    variable = os.environ.get("TOOL_GATEWAY_KEYS", "").replace(",", "\n")
    keys = read_keys(variable.splitlines(), "TOOL_GATEWAY_KEYS") if variable.strip() else ()
    return KeyRing(keys, path)
