"""The `pull` command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, ConfigPath, load_config
from gateway.config.shipped import STARTER
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.config.load import Config


def pull(
    model: Annotated[
        str,
        typer.Argument(
            help="A name in models.yaml, or a model on Hugging Face: owner/repo:Q4_K_M,"
            " owner/repo/file.gguf, or the address of its page."
        ),
    ],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Download a model, so that the first request need not wait for it.

    A download that was interrupted is resumed. HF_TOKEN gives access to gated
    models, HF_HOME is the folder of the cache, and HF_ENDPOINT another hub.
    """
    loaded = None if config == STARTER else load_config(config)
    if loaded and (name := loaded.name_of(model)):
        _pull_entry(loaded, name)
    else:
        _pull_reference(model, loaded)


def _pull_entry(config: Config, name: str) -> None:
    from gateway.cli.files.shown_download import fetch_entry_shown

    entry = config.models[name]
    if entry.is_remote:
        raise ConfigError(f"{name} is generated at {entry.source}; there is nothing to download")
    print(*fetch_entry_shown(entry, config.folder), sep="\n")


def _pull_reference(text: str, config: Config | None) -> None:
    from gateway.cli.files.shown_download import fetch_reference_shown
    from gateway.hub.cache import reference_of
    from gateway.hub.file_names import model_name
    from gateway.hub.reference import parse_reference

    path = fetch_reference_shown(parse_reference(text))
    source = str(reference_of(path))
    print(path)
    models = config.models if config else {}
    if names := [name for name, entry in models.items() if entry.source == source]:
        print(f"It is the model {names[0]} of models.yaml.", file=sys.stderr)
        return
    print("\nTo serve it, add this to `models` in models.yaml:\n", file=sys.stderr)
    print(f"  {model_name(path.name)}:\n    source: {source}")
