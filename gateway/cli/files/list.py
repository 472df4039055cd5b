"""The `list` command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gateway.cli.options import DEFAULT_CONFIG, DEFAULT_URL, ConfigPath, GatewayUrl, load_config

if TYPE_CHECKING:
    from rich.table import Table

    from gateway.cli.files.inventory import Item
    from gateway.hub.cache import CachedModel

TITLES = ("MODEL", "STATE", "SIZE", "QUANTIZATION")


def list_models(config: ConfigPath = DEFAULT_CONFIG, url: GatewayUrl = DEFAULT_URL) -> None:
    """List the models of models.yaml: on disk or to download, size, quantization, loaded.

    The GGUF models in the Hugging Face cache that models.yaml does not name
    follow.
    """
    import sys

    from rich.console import Console

    from gateway.cli.files.inventory import inventory, unnamed
    from gateway.cli.files.states import states

    items = inventory(load_config(config))
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(_table(items, states(url)))
    if others := unnamed(items):
        console.print("\nIn the cache, and not in models.yaml:")
        console.print(_others(others))


def _table(items: Iterable[Item], state_of: dict[str, str]) -> Table:
    from gateway.hub.sizes import size_text

    return _aligned(
        TITLES,
        [
            (
                item.name,
                _state(item, state_of.get(item.name, "")),
                size_text(item.size) if item.size else "",
                item.quantization,
            )
            for item in items
        ],
    )


def _state(item: Item, state: str) -> str:
    """Where the model is, or what the gateway does with it."""
    return {"ready": "loaded", "loading": "loading", "draining": "loaded"}.get(state, item.place)


def _others(models: Iterable[CachedModel]) -> Table:
    from gateway.hub.sizes import size_text

    return _aligned(("", ""), [(size_text(one.size), str(one.reference)) for one in models])


def _aligned(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(titles))
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
