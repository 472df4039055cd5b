"""The `rm` command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, DEFAULT_URL, ConfigPath, GatewayUrl, load_config
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.config.load import Config
    from gateway.hub.reference import Reference


def rm(
    model: Annotated[
        str,
        typer.Argument(help="A name in models.yaml, or a model of the cache as `list` shows it."),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
    url: GatewayUrl = DEFAULT_URL,
) -> None:
    """Delete the downloaded files of a model.

    models.yaml stays as it is: a model that it names is downloaded again when
    it is needed. Files that were not downloaded are not deleted.
    """
    from gateway.hub.cache import cached_files
    from gateway.hub.removal import removal
    from gateway.hub.sizes import size_text

    loaded = load_config(config)
    name = loaded.name_of(model)
    reference = _reference(loaded, name, model)
    files = cached_files(reference)
    _check_unused(loaded, name, files)
    _check_unloaded(name, url)
    found = removal(reference, files)
    if not found.contents:
        print(f"{model} is not on disk")
        return
    size = size_text(found.size)
    if not yes and not sys.stdin.isatty():
        raise ConfigError(f"this would delete {model}, {size}; confirm with --yes")
    if not yes and not typer.confirm(f"Delete {model}? This frees {size}."):
        raise typer.Exit(1)
    found.execute()
    print(f"{model} is deleted: {size} are free")


def _reference(config: Config, name: str | None, model: str) -> Reference:
    """The model on the hub that is meant; raises GatewayError if it is none."""
    from gateway.hub.reference import parse_reference
    from gateway.hub.source import is_on_hub, reference_of

    source = config.models[name].source if name else model
    if name and not is_on_hub(source):
        raise ConfigError(f"{name} was not downloaded: its source is {source}; delete it yourself")
    return reference_of(str(parse_reference(source)))


def _check_unused(config: Config, name: str | None, files: Sequence[Path]) -> None:
    """Raises ConfigError if another entry needs one of the files."""
    from gateway.cli.files.inventory import inventory

    own = {file.resolve() for file in files}
    for item in inventory(config):
        if item.name != name and own & {file.resolve() for file in item.files}:
            raise ConfigError(f"the model {item.name} of models.yaml has the same file")


def _check_unloaded(name: str | None, url: str) -> None:
    """Raises ConfigError if a running gateway has loaded the model."""
    from gateway.cli.files.states import states

    state = states(url).get(name or "", "unloaded")
    if state in ("loading", "ready", "draining"):
        raise ConfigError(f"{name} is {state} in the gateway; `tool-gateway stop {name}` first")
