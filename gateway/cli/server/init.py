"""The `init` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG
from gateway.config.shipped import STARTER
from gateway.errors import ConfigError


def init(
    path: Annotated[
        Path, typer.Argument(help="The file to write, or the folder to write it into.")
    ] = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a models.yaml to start from, with comments."""
    file = path / DEFAULT_CONFIG if path.is_dir() else path
    try:
        with file.open("wb" if force else "xb") as new:
            new.write(STARTER.read_bytes())
    except FileExistsError as error:
        raise ConfigError(f"{file} exists; --force overwrites it") from error
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}") from error
    print(f"Wrote {file}. `tool-gateway serve` serves its models.")
