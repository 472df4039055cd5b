"""Options that several commands share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.config.shipped import STARTER

if TYPE_CHECKING:
    from gateway.config.load import Config

DEFAULT_CONFIG = Path("models.yaml")
GatewayUrl = Annotated[str, typer.Option("--url", help="URL of the gateway.")]
DEFAULT_URL = "http://127.0.0.1:8000"


def is_given(context: typer.Context, name: str) -> bool:
    """Whether the user gave the parameter `name` of a command."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _or_starter(context: typer.Context, parameter: typer.CallbackParam, path: Path) -> Path:
    """The starter models.yaml, if no path was given and there is no file at the default one."""
    is_named = is_given(context, parameter.name or "")
    return path if is_named or path.exists() else STARTER


ConfigPath = Annotated[
    Path,
    typer.Option(
        "--config",
        callback=_or_starter,
        help="Path of models.yaml; where there is none, the default model is used.",
    ),
]


def load_config(path: Path) -> Config:
    """Reads models.yaml; raises ConfigError. Says so if it is the starter file."""
    from gateway.config.load import load
    from gateway.formats.families import FAMILIES

    config = load(path, tuple(FAMILIES))
    if path == STARTER:
        print(
            f"There is no {DEFAULT_CONFIG} in this folder: using the default model,"
            f" {', '.join(config.models)}. `tool-gateway init` writes one.",
            file=sys.stderr,
        )
    return config


def entry_name(config: Config, model: str) -> str:
    """The name of the entry with this name or alias; raises ConfigError if there is none."""
    from gateway.config.load import guess
    from gateway.errors import ConfigError

    name = config.name_of(model)
    if name is None:
        known = [*config.models]
        raise ConfigError(
            f"no model {model!r}; the models are {', '.join(known)}{guess(model, known)}"
        )
    return name
