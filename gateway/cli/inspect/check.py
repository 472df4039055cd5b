"""The `check` command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigPath, load_config
from gateway.errors import ConfigError, GatewayError

if TYPE_CHECKING:
    from gateway.config.load import Entry


def check(
    config: ConfigPath = DEFAULT_CONFIG,
    template: Annotated[
        Path | None,
        typer.Option(help="Inspect one chat template instead: a Jinja file, or a GGUF."),
    ] = None,
) -> None:
    """Check models.yaml and its chat templates; downloads nothing."""
    if template is not None:
        _inspect_template(template, config.parent)
        return

    import asyncio

    loaded = load_config(config)
    failed = 0
    for name, entry in loaded.models.items():
        try:
            finding = asyncio.run(_inspect_model(name, entry, loaded.folder))
        except GatewayError as error:
            finding, failed = f"fault: {error.message}", failed + 1
        print(f"{name}: {finding}")
    if failed:
        raise ConfigError(f"{failed} of {len(loaded.models)} models cannot be used")


def _inspect_template(path: Path, folder: Path) -> None:
    """Prints what the template at `path` can render; `folder` is that of models.yaml."""
    import asyncio

    from gateway.cli.inspect.vocabulary_only import template_of
    from gateway.config import shipped
    from gateway.prompt.inspect import report
    from gateway.prompt.template import Vocabulary

    ours = {name: file.read_text("utf-8") for name, file in shipped.templates(folder).items()}
    try:
        if path.suffix == ".gguf":
            source, vocabulary = asyncio.run(template_of(path))
        else:
            source, vocabulary = path.read_text(encoding="utf-8"), Vocabulary("", "", {})
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    for name, finding in report(source, vocabulary, ours):
        print(f"{name:<10} {finding}")


async def _inspect_model(name: str, entry: Entry, folder: Path) -> str:
    """One line about a model: its template, its format and its GGUF; raises GatewayError."""
    import asyncio

    from gateway.cli.inspect.vocabulary_only import load_without_weights
    from gateway.hub.source import locate
    from gateway.models.build import check_template
    from gateway.models.model import ChatModel

    summary = f"template {entry.template}, format {entry.format or 'detected from the template'}"
    summary = "embeddings" if entry.embeddings else summary
    if entry.is_remote:
        check_template(entry, folder)
        return f"{summary}; generated at {entry.source}"
    path = await asyncio.to_thread(locate, entry.source, folder)
    if path is None:
        if entry.template != "gguf":
            check_template(entry, folder)
        return f"{summary}; not downloaded yet"
    model = await load_without_weights(name, entry, folder)
    info = model.engine.info
    weights = f"{info.description}, trained on {info.trained_context} tokens"
    if not isinstance(model, ChatModel):
        return f"{summary}; {weights}"
    tools = "shows tools" if model.template.shows_tools else "does NOT show tools to the model"
    quirks = f" and requires {model.template.quirks}" if str(model.template.quirks) else ""
    return f"{summary}, which {tools}{quirks}; {weights}"
