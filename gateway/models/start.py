"""From an entry of models.yaml to what its worker is told at its start."""

from __future__ import annotations

from pathlib import Path

from gateway.config.load import Entry, PrefixCache
from gateway.config.source import locate
from gateway.engine.options import Options
from gateway.engine.protocol import Keeping, Start
from gateway.models.memory_estimate import MB

Lora = tuple[tuple[str, float], ...]


def start_of(
    entry: Entry,
    path: Path,
    folder: Path = Path(),
    lora: Lora = (),
    *,
    vocabulary_only: bool = False,
) -> Start:
    """What a worker is told at its start; `lora` has its adapters' files."""
    return Start(
        str(path),
        entry.context,
        entry.gpu_layers,
        None if entry.threads == "auto" else entry.threads,
        vocabulary_only,
        _keeping(entry.prefix_cache, folder),
        Options(**entry.llama.model_dump()),
        lora,
        entry.embeddings,
        hang_s=entry.hang_s,
    )


def located(entry: Entry, folder: Path) -> tuple[Path, Lora]:
    """The model's file, downloaded if need be, and each adapter's with its scale."""
    path = locate(entry.source, folder)
    lora = ((locate(source, folder, key="lora"), scale) for source, scale in entry.lora)
    assert path is not None
    return path, tuple((str(adapter), scale) for adapter, scale in lora)


def _keeping(cache: PrefixCache, folder: Path) -> Keeping:
    """`folder` is what paths in models.yaml start from."""
    path = str(folder / cache.folder) if cache.folder else None
    return Keeping(cache.memory_mb * MB, path, cache.folder_mb * MB)
