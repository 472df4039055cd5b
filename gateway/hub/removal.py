"""Deletes models from the Hugging Face cache."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub.utils import WeakFileLock

from gateway.errors import ModelUnusable
from gateway.hub.cache import PARTIAL, lock_path, partial_files, repository_folder
from gateway.hub.reference import Reference

LOCKED_S = 0.05


@dataclass(frozen=True, slots=True)
class Removal:
    """What is deleted with a model: its contents, and the links to them in every snapshot."""

    contents: tuple[Path, ...]
    links: tuple[Path, ...]

    @property
    def size(self) -> int:
        """The bytes that this frees."""
        return sum(path.stat().st_size for path in self.contents)

    def execute(self) -> None:
        for path in (*self.links, *self.contents):
            path.unlink(missing_ok=True)
            with suppress(OSError):  # other files are in it
                path.parent.rmdir()


def removal(reference: Reference, files: Sequence[Path]) -> Removal:
    """What to delete for a model that has these files in the cache, maybe none.

    That includes what interrupted downloads of its repository have left. Raises ModelUnusable while
    one of them goes on.
    """
    partial = partial_files(reference.repo)
    for path in partial:
        _check_abandoned(reference, path)
    contents = {file.resolve() for file in files}
    snapshots = repository_folder(reference.repo).glob("snapshots/**/*")
    links = [path for path in snapshots if path.resolve() in contents]
    return Removal((*sorted(contents), *partial), tuple(links))


def _check_abandoned(reference: Reference, partial: Path) -> None:
    lock = lock_path(reference.repo, partial.name.removesuffix(PARTIAL))
    try:
        with WeakFileLock(lock, timeout=LOCKED_S):
            return
    except TimeoutError:
        raise ModelUnusable(f"{reference.repo} is being downloaded; end that first") from None
