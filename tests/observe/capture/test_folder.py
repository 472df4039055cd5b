"""The files of captures are bounded, and a full disk costs captures only."""

from __future__ import annotations

import json
import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.observe.capture.capture import Capture
from gateway.observe.capture.folder import SUFFIX, CaptureFolder

DOCUMENT = json.dumps({"text": "x" * 80}).encode()


def write(folder: CaptureFolder, *ids: str) -> None:
    """Writes captures with these ids, a second after one another."""
    for second, id in enumerate(ids):
        capture = Capture(id, "/v1/chat/completions")
        capture.time += timedelta(seconds=second)
        folder.write(capture, DOCUMENT)


def ids(path: Path) -> list[str]:
    return [file.name.removesuffix(SUFFIX).split("-", 1)[1] for file in sorted(path.iterdir())]


def test_a_file_has_the_document(tmp_path: Path) -> None:
    write(CaptureFolder(tmp_path), "a")
    [file] = tmp_path.iterdir()
    assert json.loads(file.read_bytes()) == json.loads(DOCUMENT)


def test_the_oldest_files_give_way_and_others_stay(tmp_path: Path) -> None:
    mine = tmp_path / "0-mine.json"
    mine.write_text("{}")
    write(CaptureFolder(tmp_path, max_files=2), "a", "b", "c")
    mine.unlink()
    assert ids(tmp_path) == ["b", "c"]


def test_the_bytes_of_all_files_are_bounded(tmp_path: Path) -> None:
    write(CaptureFolder(tmp_path, max_bytes=250), "a", "b", "c")
    assert ids(tmp_path) == ["b", "c"]


@contextmanager
def full() -> Iterator[None]:
    """Writes succeed in part and then fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_logged_once_until_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = CaptureFolder(tmp_path)
    with caplog.at_level(logging.WARNING, "gateway"):
        for round in ("first", "second"):
            with full():
                write(folder, f"{round}-a", f"{round}-b")
            assert [one for one in ids(tmp_path) if one.startswith(round)] == []
            write(folder, round)
    assert ids(tmp_path) == ["first", "second"]
    assert len(caplog.records) == 2
