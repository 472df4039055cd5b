"""The Hugging Face cache, as huggingface_hub lays it out.

    models--OWNER--NAME/refs/main                    the latest commit that is known
    models--OWNER--NAME/snapshots/COMMIT/PATH        a link to a blob
    models--OWNER--NAME/blobs/ETAG                   the contents
    models--OWNER--NAME/blobs/ETAG.incomplete        what an interrupted download has left

Read without the rest of huggingface_hub, which takes a tenth of a second to import.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants

from gateway.errors import ModelUnusable
from gateway.hub.choose import choose, missing_parts
from gateway.hub.file_names import SUFFIX, is_model, parts
from gateway.hub.reference import Reference

PREFIX, SEPARATOR = "models--", "--"
PARTIAL = ".incomplete"


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A model in the cache; `files` has its parts, one unless it is split."""

    reference: Reference
    files: tuple[Path, ...]

    @property
    def size(self) -> int:
        return sum(file.stat().st_size for file in self.files)


def repository_folder(repo: str) -> Path:
    """The folder of a repository, which need not exist."""
    return Path(constants.HF_HUB_CACHE, PREFIX + repo.replace("/", SEPARATOR))


def lock_path(repo: str, etag: str) -> Path:
    """The lock that a process holds while it downloads these contents."""
    return Path(constants.HF_HUB_CACHE, ".locks", repository_folder(repo).name, f"{etag}.lock")


def partial_files(repo: str) -> list[Path]:
    """What interrupted downloads of a repository have left."""
    return sorted(repository_folder(repo).glob(f"blobs/*{PARTIAL}"))


def cached(reference: Reference) -> Path | None:
    """The file of a model that is in the cache, with all its parts; None if it is not."""
    return next((first for first, missing in _found(reference) if not missing), None)


def cached_files(reference: Reference) -> tuple[Path, ...]:
    """The files of a model that are in the cache; not all of them if its download has stopped."""
    for first, missing in sorted(_found(reference), key=lambda found: len(found[1])):
        named = [first.with_name(part) for part in parts(first.name)]
        return tuple(file for file in named if file.name not in missing)
    return ()


def _found(reference: Reference) -> Iterator[tuple[Path, list[str]]]:
    """The first file of a model in each snapshot, and the names of its parts that are missing."""
    for snapshot in _snapshots(repository_folder(reference.repo)):
        names = _names(snapshot)
        with suppress(ModelUnusable):
            file = choose(reference, names)
            yield snapshot / file, [Path(name).name for name in missing_parts(file, names)]


def reference_of(path: Path) -> Reference:
    """The reference to a file of the cache, by its path in a snapshot."""
    folder, _, _, *file = path.relative_to(constants.HF_HUB_CACHE).parts
    return Reference(_repository(folder), "/".join(file))


def cached_models() -> Iterator[CachedModel]:
    """Every GGUF model in the cache whose parts are all there."""
    for folder in sorted(Path(constants.HF_HUB_CACHE).glob(f"{PREFIX}*{SEPARATOR}*")):
        repo = _repository(folder.name)
        seen = set()
        for snapshot in _snapshots(folder):
            names = _names(snapshot)
            for name in sorted(filter(is_model, names)):
                if name not in seen and not missing_parts(name, names):
                    seen.add(name)
                    files = tuple(snapshot / part for part in parts(name))
                    yield CachedModel(Reference(repo, name), files)


def _repository(folder: str) -> str:
    return folder.removeprefix(PREFIX).replace(SEPARATOR, "/", 1)


def _snapshots(folder: Path) -> list[Path]:
    """The snapshots of a repository, that of its latest known commit first."""
    try:
        latest = (folder / "refs" / constants.DEFAULT_REVISION).read_text()
    except OSError:
        latest = ""
    found = [path for path in folder.glob("snapshots/*") if path.is_dir()]
    return sorted(found, key=lambda path: (path.name != latest, path.name))


def _names(snapshot: Path) -> list[str]:
    """The paths of the GGUF files in a snapshot whose contents exist."""
    files = (path for path in snapshot.rglob(f"*{SUFFIX}") if path.is_file())
    return [path.relative_to(snapshot).as_posix() for path in files]
