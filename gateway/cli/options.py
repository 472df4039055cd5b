"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gateway.config.load import Config

ConfigPath = Annotated[Path, typer.Option("--config", help="Path of models.yaml.")]
DEFAULT_CONFIG = Path("models.yaml")


def load_config(path: Path) -> Config:
    """Reads models.yaml; raises ConfigError."""
    from gateway.config.load import load
    from gateway.formats.families import FAMILIES

    return load(path, tuple(FAMILIES))
