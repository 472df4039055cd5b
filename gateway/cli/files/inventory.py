"""The models of models.yaml and of the cache, and where their files are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.config.load import Config, Entry
from gateway.errors import GatewayError
from gateway.hub.cache import CachedModel, cached_files, cached_models, partial_files
from gateway.hub.file_names import parts, quantization
from gateway.hub.source import is_on_hub, locate, reference_of


class Place(StrEnum):
    """Where a model is."""

    ON_DISK = "on disk"
    TO_DOWNLOAD = "to download"
    INTERRUPTED = "interrupted"  # a part of it is on disk
    REMOTE = "remote"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of models.yaml: its files on disk, its adapters' included.

    `size` is in bytes; of an interrupted download, it is what has arrived.
    """

    name: str
    place: Place
    quantization: str = ""
    files: tuple[Path, ...] = ()
    size: int = 0


def inventory(config: Config) -> list[Item]:
    """The entries of models.yaml, in their order."""
    return [_item(name, entry, config.folder) for name, entry in config.models.items()]


def unnamed(items: Iterable[Item]) -> list[CachedModel]:
    """The models of the Hugging Face cache that no entry of models.yaml names."""
    named = {file.resolve() for item in items for file in item.files}
    return [one for one in cached_models() if one.files[0].resolve() not in named]


def _item(name: str, entry: Entry, folder: Path) -> Item:
    if entry.is_remote:
        return Item(name, Place.REMOTE)
    sources = (entry.source, *(source for source, _ in entry.lora))
    kind = quantization(entry.source.replace(":", "-"))
    try:
        files = tuple(file for source in sources for file in _files(source, folder))
        is_complete = all(locate(source, folder) for source in sources)
    except GatewayError:
        return Item(name, Place.MISSING, kind)
    if is_complete:
        return Item(name, Place.ON_DISK, kind or quantization(files[0].name), files, _size(files))
    arrived = _size((*_files(entry.source, folder), *_partial_files(entry.source)))
    return Item(name, Place.INTERRUPTED if arrived else Place.TO_DOWNLOAD, kind, files, arrived)


def _files(source: str, folder: Path) -> Iterator[Path]:
    """The files of a source that are on disk; raises GatewayError if they can't be."""
    if is_on_hub(source):
        yield from cached_files(reference_of(source))
    elif first := locate(source, folder):
        yield from (first.with_name(part) for part in parts(first.name))


def _partial_files(source: str) -> list[Path]:
    return partial_files(reference_of(source).repo) if is_on_hub(source) else []


def _size(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.is_file())
