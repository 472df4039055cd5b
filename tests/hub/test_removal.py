"""Models are deleted from the cache with everything that is theirs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import WeakFileLock

from gateway.errors import ModelUnusable
from gateway.hub.cache import cached_files, lock_path
from gateway.hub.reference import parse_reference
from gateway.hub.removal import Removal, removal
from tests.hub.cache_files import put, put_partial

WANTED = parse_reference("owner/repo:Q8_0")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def found() -> Removal:
    return removal(WANTED, cached_files(WANTED))


def files(home: Path) -> list[str]:
    """The names of the files and links in the snapshots and blobs of the repository."""
    root = home / "models--owner--repo"
    return sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if not path.is_dir() and path.parent.name != "refs"
    )


def test_a_model_is_deleted_with_all_its_parts(home: Path) -> None:
    parts = ("a-Q8_0-00001-of-00002.gguf", "a-Q8_0-00002-of-00002.gguf")
    put(home, "owner/repo", "c1", "a-Q4_0.gguf", *parts)
    one = found()
    assert one.size == sum(map(len, parts))
    one.execute()
    assert files(home) == ["blobs/c1a-Q4_0.gguf", "snapshots/c1/a-Q4_0.gguf"]


def test_links_of_other_commits_to_the_same_contents_are_deleted(home: Path) -> None:
    snapshot = put(home, "owner/repo", "c1", "a-Q8_0.gguf")
    earlier = put(home, "owner/repo", "c0", "sub/b-Q4_0.gguf", latest=False)
    (earlier / "a-Q8_0.gguf").symlink_to((snapshot / "a-Q8_0.gguf").resolve())
    found().execute()
    assert files(home) == ["blobs/c0sub-b-Q4_0.gguf", "snapshots/c0/sub/b-Q4_0.gguf"]
    assert not snapshot.exists()


def test_what_an_interrupted_download_has_left_is_deleted(home: Path) -> None:
    put_partial(home, "owner/repo", "e1", 1000)
    one = found()
    assert one.size == 1000
    one.execute()
    assert files(home) == []


def test_a_model_that_is_being_downloaded_is_kept(home: Path) -> None:
    put_partial(home, "owner/repo", "e1", 1000)
    lock = lock_path("owner/repo", "e1")
    lock.parent.mkdir(parents=True)
    with WeakFileLock(lock), pytest.raises(ModelUnusable, match="owner/repo is being downloaded"):
        found()
    assert files(home) == ["blobs/e1.incomplete"]
