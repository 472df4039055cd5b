"""The `serve` command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigPath, is_given, load_config
from gateway.config.shipped import STARTER
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.config.load import Config


def serve(
    command_line: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(
            help="A model to serve instead of those of models.yaml: the path of a GGUF file, or"
            " hf:owner/repo:Q4_K_M on Hugging Face."
        ),
    ] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
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
    capture: Annotated[
        Path | None,
        typer.Option(help="Write each request to a file in this folder, for `replay`."),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            help="Chat template of MODEL: the name of one in templates/, or of a shipped one; by"
            " default its own."
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(help="Tool-call format of MODEL; by default detected from the template."),
    ] = None,
    context: Annotated[
        int | None, typer.Option(min=256, help="Context size of MODEL in tokens; 4096.")
    ] = None,
    gpu_layers: Annotated[
        int | None,
        typer.Option(min=-1, help="Layers of MODEL on the GPU; -1, the default, for all."),
    ] = None,
) -> None:
    """Serve the models of models.yaml over HTTP, or one GGUF file.

    API keys can also be set in TOOL_GATEWAY_KEYS: the lines of a key file,
    separated by commas or newlines.
    """
    import logging

    from gateway.admission.key_ring import accepted_keys
    from gateway.api.server.address import check_address, is_loopback, listen
    from gateway.observe.logs import set_up

    of_model = {
        "template": template,
        "format": format,
        "context": context,
        "gpu_layers": gpu_layers,
    }
    if model is not None and is_given(command_line, "config"):
        raise ConfigError(
            f"serve either {model} or the models of --config {config}; add the one to the other to"
            " serve both"
        )
    loaded, watched = _models(model, config, of_model)
    accepted = accepted_keys(keys)
    if not (accepted.limits or insecure):
        check_address(host)
    sockets = listen(host, port)
    set_up(log, logging.DEBUG if verbose else logging.INFO)

    from gateway.api.server.interpreter import set_up_interpreter
    from gateway.api.server.serve import run
    from gateway.app import create_app

    set_up_interpreter()
    app = create_app(
        loaded,
        keys=accepted,
        path=watched,
        log_prompts=log_prompts,
        is_local=is_loopback(host),
        capture_folder=capture,
    )
    run(app, sockets, loaded.grace_s)


def _models(
    model: str | None, config: Path, settings: dict[str, Any]
) -> tuple[Config, Path | None]:
    """What to serve, and the models.yaml to read again when it changes; raises GatewayError.

    `settings` are keys of the entry of `model`; None for those that are not set.
    """
    given = {key: value for key, value in settings.items() if value is not None}
    if model is not None:
        from gateway.cli.server.one_model import one_model

        return one_model(model, given), None
    if given:
        option = f"--{next(iter(given))}".replace("_", "-")
        raise ConfigError(
            f"{option} is for `tool-gateway serve MODEL.gguf`; models.yaml has a key for it"
        )
    loaded = load_config(config)
    if config != STARTER:
        return loaded, config
    import asyncio

    from gateway.models.build import fetch_files

    for entry in loaded.models.values():
        asyncio.run(fetch_files(entry, loaded.folder))
    return loaded, None
