"""Files in a Hugging Face cache, as huggingface_hub lays them out."""

from __future__ import annotations

from pathlib import Path


def put(home: Path, repo: str, commit: str, *names: str, latest: bool = True) -> Path:
    """Puts files into the cache at `home`, each with its name as contents; returns their folder."""
    root = home / f"models--{repo.replace('/', '--')}"
    snapshot = root / "snapshots" / commit
    for name in names:
        blob = root / "blobs" / f"{commit}{name.replace('/', '-')}"
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_text(name)
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).symlink_to(blob)
    if latest:
        (root / "refs").mkdir(exist_ok=True)
        (root / "refs" / "main").write_text(commit)
    return snapshot


def put_partial(home: Path, repo: str, etag: str, size: int) -> Path:
    """Puts what an interrupted download has left into the cache; returns its path."""
    path = home / f"models--{repo.replace('/', '--')}" / "blobs" / f"{etag}.incomplete"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path
