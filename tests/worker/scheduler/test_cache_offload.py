from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.worker.scheduler.cache_disk import DiskCache
from gateway.worker.scheduler.cache_offload import CacheOffload, SavedPrefix

LONG = list(range(100))
DATA = bytearray(b"x" * 50)


def new_offload(max_bytes: int = 1000, *, can_truncate: bool = True) -> CacheOffload:
    return CacheOffload(max_bytes, can_truncate=can_truncate, min_tokens=4)


def test_the_longest_prefix_is_found() -> None:
    offload = new_offload()
    offload.put([1, 2, 3, 9, 9], DATA)
    offload.put([1, 2, 3, 4, 5], DATA)
    entry, length = offload.longest_prefix([1, 2, 3, 4, 7, 8])
    assert entry is not None
    assert (entry.tokens, length) == ([1, 2, 3, 4, 5], 4)


def test_a_prefix_that_can_not_be_truncated_is_reused_whole_or_not_at_all() -> None:
    offload = new_offload(can_truncate=False)
    offload.put(LONG[:10], DATA)
    assert offload.longest_prefix([*LONG[:9], 0, 0]) == (None, 0)
    assert offload.longest_prefix(LONG)[1] == 10


def test_short_or_saved_prefixes_are_not_saved() -> None:
    offload = new_offload()
    assert not offload.should_save([1, 2, 3])
    assert offload.should_save(LONG)
    offload.put(LONG, DATA)
    assert not offload.should_save(LONG[:50])
    assert offload.should_save([*LONG, 1])
    assert not CacheOffload(0, min_tokens=4).should_save(LONG)


def test_each_state_that_can_not_be_truncated_is_saved() -> None:
    offload = new_offload(can_truncate=False)
    offload.put(LONG, DATA)
    assert offload.should_save(LONG[:50])


def test_a_longer_prefix_replaces_a_shorter_one() -> None:
    offload = new_offload(max_bytes=60)
    offload.put(LONG[:50], DATA)
    offload.put(LONG, DATA)
    assert offload.longest_prefix(LONG[:60])[1] == 59


def test_the_least_recently_used_prefix_is_evicted() -> None:
    offload = new_offload(max_bytes=100)
    for first in (1, 2):
        offload.put([first, *LONG], DATA)
    entry, _ = offload.longest_prefix([1, *LONG])
    assert entry is not None
    assert offload.take(entry) == DATA
    offload.put([3, *LONG], DATA)
    assert [offload.longest_prefix([first, *LONG])[1] for first in (1, 2, 3)] == [100, 0, 100]


def test_a_prefix_larger_than_the_budget_is_not_kept() -> None:
    offload = new_offload(max_bytes=49)
    offload.put(LONG, DATA)
    assert offload.longest_prefix(LONG) == (None, 0)


# -- with a disk


def disk_cache(path: Path, key: str = "k", max_bytes: int = 10_000) -> DiskCache:
    return DiskCache(path / "prefixes", key, max_bytes)


def restored_elsewhere(path: Path, tokens: list[int]) -> bytearray | None:
    """The data that another worker restores for `tokens`."""
    offload = CacheOffload(1000, disk_cache(path), min_tokens=4)
    entry, length = offload.longest_prefix(tokens)
    return offload.take(entry) if entry and length == len(tokens) - 1 else None


def test_a_saved_prefix_outlives_the_worker(tmp_path: Path) -> None:
    offload = CacheOffload(1000, disk_cache(tmp_path), min_tokens=4)
    offload.put(LONG, DATA)
    assert restored_elsewhere(tmp_path, LONG) is None
    offload.close()
    assert restored_elsewhere(tmp_path, LONG) == DATA


def test_a_prefix_that_is_evicted_from_memory_goes_to_disk(tmp_path: Path) -> None:
    offload = CacheOffload(60, disk_cache(tmp_path), min_tokens=4)
    offload.put(LONG, DATA)
    offload.put([7, *LONG], bytearray(b"y" * 50))
    entry, length = offload.longest_prefix(LONG)
    assert entry is not None
    assert (length, offload.take(entry)) == (99, DATA)


def test_prefix_that_another_worker_saves_is_found(tmp_path: Path) -> None:
    offload = CacheOffload(1000, disk_cache(tmp_path), min_tokens=4)
    other = CacheOffload(1000, disk_cache(tmp_path), min_tokens=4)
    assert offload.longest_prefix(LONG) == (None, 0)
    other.put(LONG, DATA)
    other.close()
    offload.refresh()
    assert not offload.should_save(LONG)
    entry, length = offload.longest_prefix(LONG)
    assert entry is not None
    assert (length, offload.take(entry)) == (99, DATA)


def test_prefix_that_another_worker_removes_is_forgotten_or_saved_again(tmp_path: Path) -> None:
    for tokens in (LONG, [7, *LONG]):
        disk_cache(tmp_path).write(tokens, DATA)
    offload = CacheOffload(60, disk_cache(tmp_path), min_tokens=4)
    in_memory, _ = offload.longest_prefix(LONG)
    assert in_memory is not None
    assert offload.take(in_memory) == DATA
    for file in (tmp_path / "prefixes").iterdir():
        file.unlink()
    offload.refresh()
    assert offload.longest_prefix([7, *LONG]) == (None, 0)
    offload.put([8, *LONG], DATA)  # evicts the one that is in memory
    assert restored_elsewhere(tmp_path, LONG) == DATA


def test_what_a_worker_has_written_is_no_news_to_it(tmp_path: Path) -> None:
    disk, other = disk_cache(tmp_path), disk_cache(tmp_path)
    disk.write(LONG, DATA)
    assert disk.changes() == ([], set())
    [added], gone = other.changes()
    assert (added.tokens, gone) == (LONG, set())
    assert other.changes() == ([], set())
    (tmp_path / "prefixes" / added.name).unlink()
    assert other.changes() == disk.changes() == ([], {added.name})


def test_prefixes_with_another_key_are_ignored(tmp_path: Path) -> None:
    disk_cache(tmp_path).write(LONG, DATA)
    assert disk_cache(tmp_path, "other").entries() == []
    assert [entry.tokens for entry in disk_cache(tmp_path).entries()] == [LONG]


@pytest.mark.parametrize("content", [b"", b"tool-gateway prefix 1\n\xff\xff\xff\xff", b"x" * 300])
def test_a_file_that_is_no_prefix_is_ignored(tmp_path: Path, content: bytes) -> None:
    disk_cache(tmp_path).write(LONG, DATA)
    [file] = (tmp_path / "prefixes").iterdir()
    file.write_bytes(content)
    assert restored_elsewhere(tmp_path, LONG) is None


@pytest.mark.parametrize("cut", [slice(None, -1), slice(None, 200)])
def test_a_truncated_file_is_ignored(tmp_path: Path, cut: slice) -> None:
    disk_cache(tmp_path).write(LONG, DATA)
    [file] = (tmp_path / "prefixes").iterdir()
    file.write_bytes(file.read_bytes()[cut])
    assert restored_elsewhere(tmp_path, LONG) is None


def test_a_file_with_a_changed_byte_is_ignored(tmp_path: Path) -> None:
    disk_cache(tmp_path).write(LONG, DATA)
    [file] = (tmp_path / "prefixes").iterdir()
    file.write_bytes(file.read_bytes()[:-1] + b"y")
    assert restored_elsewhere(tmp_path, LONG) is None


def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "prefixes").mkdir()
    os.mkfifo(tmp_path / "prefixes" / "a.prefix")
    disk = disk_cache(tmp_path)
    assert disk.entries() == []
    assert disk.read(SavedPrefix([1, 2], None, "a.prefix")) is None


def test_a_prefix_whose_file_vanished_is_dropped(tmp_path: Path) -> None:
    offload = CacheOffload(1000, disk_cache(tmp_path), min_tokens=4)
    offload.put(LONG, DATA)
    offload.close()
    late = CacheOffload(1000, disk_cache(tmp_path), min_tokens=4)
    [file] = (tmp_path / "prefixes").iterdir()
    file.unlink()
    entry, _ = late.longest_prefix(LONG)
    assert entry is not None
    assert late.take(entry) is None
    assert late.longest_prefix(LONG) == (None, 0)


def test_the_disk_cache_keeps_to_its_budget(tmp_path: Path) -> None:
    offload = disk_cache(tmp_path, max_bytes=1000)
    for first in range(9):
        offload.write([first, *LONG], DATA)
    files = list((tmp_path / "prefixes").iterdir())
    assert 0 < sum(file.stat().st_size for file in files) <= 1000
    assert offload.entries()[-1].tokens[0] == 8


def test_a_disk_that_can_not_be_written_loses_only_the_prefix(tmp_path: Path) -> None:
    offload = CacheOffload(60, disk_cache(tmp_path), min_tokens=4)
    (tmp_path / "prefixes").rmdir()
    offload.put(LONG, DATA)
    offload.put([7, *LONG], DATA)
    assert offload.longest_prefix(LONG) == (None, 0)
    assert offload.longest_prefix([7, *LONG])[1] == 100


def test_a_folder_that_became_a_file_loses_only_the_prefix(tmp_path: Path) -> None:
    offload = disk_cache(tmp_path)
    entry = offload.write(LONG, DATA)
    assert entry is not None
    shutil.rmtree(tmp_path / "prefixes")
    (tmp_path / "prefixes").write_text("")
    assert offload.write([7, *LONG], DATA) is None
    assert offload.read(entry) is None


def test_a_file_that_another_worker_removes_is_ignored(tmp_path: Path) -> None:
    offload = disk_cache(tmp_path)
    (tmp_path / "prefixes" / "gone.prefix").symlink_to("nowhere")
    assert offload.write(LONG, DATA)
    assert [entry.tokens for entry in offload.entries()] == [LONG]


# -- in the background


@dataclass
class Background:
    """Runs what was submitted when it is told to."""

    waiting: list[tuple[Callable[[], Any], Future[Any]]] = field(default_factory=list)

    def submit(self, work: Callable[[Any], Any], argument: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((lambda: work(argument), future))
        return future

    def run(self) -> None:
        for work, future in self.waiting:
            future.set_result(work())
        self.waiting.clear()


def in_background(path: Path, max_bytes: int = 100) -> tuple[CacheOffload, Background]:
    background = Background()
    disk = disk_cache(path)
    return CacheOffload(max_bytes, disk, min_tokens=4, submit=background.submit), background


def test_a_prefix_can_be_taken_while_it_is_written(tmp_path: Path) -> None:
    offload, background = in_background(tmp_path)
    for tokens in (LONG, [7, *LONG], [8, *LONG]):
        offload.put(tokens, DATA)
    entry, length = offload.longest_prefix(LONG)
    assert entry is not None
    assert (length, offload.take(entry)) == (99, DATA)
    background.run()
    assert restored_elsewhere(tmp_path, LONG) == DATA


def test_what_was_written_leaves_memory_and_is_found_on_the_disk(tmp_path: Path) -> None:
    offload, background = in_background(tmp_path)
    for tokens in (LONG, [7, *LONG], [8, *LONG]):
        offload.put(tokens, DATA)
    background.run()
    entry, _ = offload.longest_prefix(LONG)
    assert entry is not None
    assert entry.data is None
    assert offload.take(entry) == DATA


def test_what_could_not_be_written_is_forgotten(tmp_path: Path) -> None:
    offload, background = in_background(tmp_path)
    (tmp_path / "prefixes").rmdir()
    for tokens in (LONG, [7, *LONG], [8, *LONG]):
        offload.put(tokens, DATA)
    background.run()
    assert offload.longest_prefix(LONG) == (None, 0)


def test_a_prefix_on_the_disk_is_read_before_it_is_taken(tmp_path: Path) -> None:
    disk_cache(tmp_path).write(LONG, DATA)
    offload, background = in_background(tmp_path)
    entry, _ = offload.longest_prefix(LONG)
    assert entry is not None
    assert offload.prefetch(entry)
    assert offload.prefetch(entry)
    assert len(background.waiting) == 1
    background.run()
    (tmp_path / "prefixes" / entry.name).unlink()
    assert not offload.prefetch(entry)
    assert offload.take(entry) == DATA


def test_a_prefix_in_memory_needs_no_reading() -> None:
    offload = new_offload()
    offload.put(LONG, DATA)
    entry, _ = offload.longest_prefix(LONG)
    assert entry is not None
    assert not offload.prefetch(entry)


def test_nothing_is_found_for_an_empty_prompt() -> None:
    offload = new_offload()
    offload.put(LONG, DATA)
    assert offload.longest_prefix([]) == (None, 0)
