from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.worker.scheduler.cache_disk import Folder
from gateway.worker.scheduler.cache_offload import Archive

LONG = list(range(100))
DATA = bytearray(b"x" * 50)


def archive(most_bytes: int = 1000, *, forgets_tails: bool = True) -> Archive:
    return Archive(most_bytes, forgets_tails=forgets_tails, least=4)


def test_the_longest_start_is_best() -> None:
    made = archive()
    made.put([1, 2, 3, 9, 9], DATA)
    made.put([1, 2, 3, 4, 5], DATA)
    entry, length = made.best([1, 2, 3, 4, 7, 8])
    assert entry is not None
    assert (entry.tokens, length) == ([1, 2, 3, 4, 5], 4)


def test_what_can_not_lose_its_end_is_used_whole_or_not_at_all() -> None:
    made = archive(forgets_tails=False)
    made.put(LONG[:10], DATA)
    assert made.best([*LONG[:9], 0, 0]) == (None, 0)
    assert made.best(LONG)[1] == 10


def test_little_or_what_is_there_already_is_not_wanted() -> None:
    made = archive()
    assert not made.wants([1, 2, 3])
    assert made.wants(LONG)
    made.put(LONG, DATA)
    assert not made.wants(LONG[:50])
    assert made.wants([*LONG, 1])
    assert not Archive(0, least=4).wants(LONG)


def test_of_states_without_parts_each_is_wanted() -> None:
    made = archive(forgets_tails=False)
    made.put(LONG, DATA)
    assert made.wants(LONG[:50])


def test_a_longer_prefix_takes_the_place_of_a_shorter() -> None:
    made = archive(most_bytes=60)
    made.put(LONG[:50], DATA)
    made.put(LONG, DATA)
    assert made.best(LONG[:60])[1] == 59


def test_past_the_budget_the_least_recently_used_goes() -> None:
    made = archive(most_bytes=100)
    for first in (1, 2):
        made.put([first, *LONG], DATA)
    entry, _ = made.best([1, *LONG])
    assert entry is not None
    assert made.take(entry) == DATA
    made.put([3, *LONG], DATA)
    assert [made.best([first, *LONG])[1] for first in (1, 2, 3)] == [100, 0, 100]


def test_what_is_larger_than_the_budget_is_not_kept() -> None:
    made = archive(most_bytes=49)
    made.put(LONG, DATA)
    assert made.best(LONG) == (None, 0)


# -- with a disk


def folder(path: Path, key: str = "k", most_bytes: int = 10_000) -> Folder:
    return Folder(path / "prefixes", key, most_bytes)


def kept(path: Path, tokens: list[int]) -> bytearray | None:
    """What another worker gets of `tokens`."""
    made = Archive(1000, folder(path), least=4)
    entry, length = made.best(tokens)
    return made.take(entry) if entry and length == len(tokens) - 1 else None


def test_a_prefix_outlives_the_worker(tmp_path: Path) -> None:
    made = Archive(1000, folder(tmp_path), least=4)
    made.put(LONG, DATA)
    assert kept(tmp_path, LONG) is None
    made.close()
    assert kept(tmp_path, LONG) == DATA


def test_what_leaves_memory_goes_to_disk(tmp_path: Path) -> None:
    made = Archive(60, folder(tmp_path), least=4)
    made.put(LONG, DATA)
    made.put([7, *LONG], bytearray(b"y" * 50))
    entry, length = made.best(LONG)
    assert entry is not None
    assert (length, made.take(entry)) == (99, DATA)


def test_another_models_prefixes_are_passed_over(tmp_path: Path) -> None:
    folder(tmp_path).write(LONG, DATA)
    assert folder(tmp_path, "other").entries() == []
    assert [entry.tokens for entry in folder(tmp_path).entries()] == [LONG]


@pytest.mark.parametrize("spoil", [b"", b"tool-gateway prefix 1\n\xff\xff\xff\xff", b"x" * 300])
def test_a_file_that_is_no_prefix_is_passed_over(tmp_path: Path, spoil: bytes) -> None:
    folder(tmp_path).write(LONG, DATA)
    [file] = (tmp_path / "prefixes").iterdir()
    file.write_bytes(spoil)
    assert kept(tmp_path, LONG) is None


@pytest.mark.parametrize("cut", [slice(None, -1), slice(None, 200)])
def test_a_file_that_was_cut_off_is_passed_over_and_goes(tmp_path: Path, cut: slice) -> None:
    folder(tmp_path).write(LONG, DATA)
    [file] = (tmp_path / "prefixes").iterdir()
    file.write_bytes(file.read_bytes()[cut])
    assert kept(tmp_path, LONG) is None
    assert not file.exists()


def test_a_file_with_a_changed_byte_is_passed_over(tmp_path: Path) -> None:
    folder(tmp_path).write(LONG, DATA)
    [file] = (tmp_path / "prefixes").iterdir()
    file.write_bytes(file.read_bytes()[:-1] + b"y")
    assert kept(tmp_path, LONG) is None


def test_a_file_that_vanished_is_missed_when_it_is_wanted(tmp_path: Path) -> None:
    made = Archive(1000, folder(tmp_path), least=4)
    made.put(LONG, DATA)
    made.close()
    late = Archive(1000, folder(tmp_path), least=4)
    [file] = (tmp_path / "prefixes").iterdir()
    file.unlink()
    entry, _ = late.best(LONG)
    assert entry is not None
    assert late.take(entry) is None
    assert late.best(LONG) == (None, 0)


def test_the_folder_keeps_to_its_budget(tmp_path: Path) -> None:
    made = folder(tmp_path, most_bytes=1000)
    for first in range(9):
        made.write([first, *LONG], DATA)
    files = list((tmp_path / "prefixes").iterdir())
    assert 0 < sum(file.stat().st_size for file in files) <= 1000
    assert made.entries()[-1].tokens[0] == 8


def test_a_disk_that_takes_nothing_loses_only_the_prefix(tmp_path: Path) -> None:
    made = Archive(60, folder(tmp_path), least=4)
    (tmp_path / "prefixes").rmdir()
    made.put(LONG, DATA)
    made.put([7, *LONG], DATA)
    assert made.best(LONG) == (None, 0)
    assert made.best([7, *LONG])[1] == 100


def test_a_folder_that_is_one_no_more_loses_only_the_prefix(tmp_path: Path) -> None:
    made = folder(tmp_path)
    entry = made.write(LONG, DATA)
    assert entry is not None
    shutil.rmtree(tmp_path / "prefixes")
    (tmp_path / "prefixes").write_text("")
    assert made.write([7, *LONG], DATA) is None
    assert made.read(entry) is None


def test_a_prefix_that_another_worker_removes_meanwhile_hurts_nobody(tmp_path: Path) -> None:
    made = folder(tmp_path)
    (tmp_path / "prefixes" / "gone.prefix").symlink_to("nowhere")
    assert made.write(LONG, DATA)
    assert [entry.tokens for entry in made.entries()] == [LONG]
