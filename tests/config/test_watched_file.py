from __future__ import annotations

from pathlib import Path

from gateway.config.watched_file import WatchedFile


def test_a_file_is_reported_when_it_is_no_longer_written(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text("a")
    file = WatchedFile(path)
    assert [file.has_changed() for _ in range(3)] == [False, True, False]
    for text in ("ab", "abc", "abcd"):
        path.write_text(text)
        assert not file.has_changed()
    assert [file.has_changed() for _ in range(3)] == [True, False, False]
