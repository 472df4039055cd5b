"""Reports what a chat template can render."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.cli.inspect.vocabulary_only import template_of
from gateway.config import shipped
from gateway.errors import ConfigError
from gateway.prompt.inspect import report
from gateway.prompt.template import Vocabulary


def print_report(path: Path, folder: Path) -> None:
    """Prints the findings about the template at `path`; `folder` is that of models.yaml.

    Raises ConfigError for a file that can't be read or is no template.
    """
    try:
        if path.suffix == ".gguf":
            source, vocabulary = asyncio.run(template_of(path))
        else:
            source, vocabulary = path.read_text(encoding="utf-8"), Vocabulary("", "", {})
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    for name, finding in report(source, vocabulary, templates(folder)):
        print(f"{name:<10} {finding}")


def templates(folder: Path) -> dict[str, str]:
    """The texts of the templates that an entry can name."""
    return {name: file.read_text("utf-8") for name, file in shipped.templates(folder).items()}
