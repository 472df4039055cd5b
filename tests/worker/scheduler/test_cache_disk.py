"""Several workers share a folder, and some are killed while they write."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from gateway.worker.scheduler.cache_disk import DiskCache
from gateway.worker.scheduler.cache_offload import SavedPrefix

MAX_BYTES = 2**22
SIZE = 2**18  # bytes of each prefix
WRITER = """
import sys
from itertools import count
from pathlib import Path
from gateway.worker.scheduler.cache_disk import DiskCache
from tests.worker.scheduler.test_cache_disk import MAX_BYTES, data_of
disk = DiskCache(Path(sys.argv[1]), "k", MAX_BYTES)
for first in count(int(sys.argv[2])):
    disk.write([first, 1], data_of(first))
    print(flush=True)
"""


def data_of(first: int) -> bytearray:
    return bytearray(Random(first).randbytes(SIZE))


def writer(folder: Path, first: int) -> subprocess.Popen[bytes]:
    """A worker that writes the prefixes from `first` on, and prints a line for each."""
    command = [sys.executable, "-c", WRITER, str(folder), str(first)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def test_workers_that_are_killed_while_they_write_leave_no_wrong_prefix(tmp_path: Path) -> None:
    chance, reader = Random(7), DiskCache(tmp_path, "k", MAX_BYTES)
    read = 0
    for run in range(6):
        writers = [writer(tmp_path, 1000 * (2 * run + i)) for i in range(2)]
        for process in writers:
            assert process.stdout
            for _ in range(chance.randrange(1, 20)):
                assert process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        for process in writers:
            process.communicate()
        for entry in reader.entries():
            data = reader.read(entry)
            assert data == data_of(entry.tokens[0])
            read += 1
    assert read
    reader.write([0, 1], data_of(0))
    assert size_of(tmp_path) <= MAX_BYTES


def test_what_a_killed_worker_left_half_written_is_no_prefix_and_is_evicted(tmp_path: Path) -> None:
    disk = DiskCache(tmp_path, "k", 3 * SIZE)
    assert disk.write([0, 1], data_of(0))
    [whole] = tmp_path.iterdir()
    half = whole.with_suffix(".0.part")
    half.write_bytes(whole.read_bytes()[: SIZE // 2])
    whole.unlink()
    assert disk.entries() == []
    for first in range(1, 4):
        assert disk.write([first, 1], data_of(first))
    assert not half.exists()


def test_two_caches_count_the_files_of_each_other(tmp_path: Path) -> None:
    caches = [DiskCache(tmp_path, key, 4 * SIZE) for key in ("one", "other")]
    for first in range(8):
        caches[first % 2].write([first, 1], data_of(first))
        assert size_of(tmp_path) <= 4 * SIZE
    kept = [entry.tokens[0] for cache in caches for entry in cache.entries()]
    assert sorted(kept) == [5, 6, 7]


@pytest.mark.parametrize("extra", [b"", b"x"], ids=["cut", "longer"])
def test_a_file_of_another_length_is_no_prefix(tmp_path: Path, extra: bytes) -> None:
    disk = DiskCache(tmp_path, "k", MAX_BYTES)
    assert disk.write([0, 1], data_of(0))
    [file] = tmp_path.iterdir()
    file.write_bytes(file.read_bytes() + extra if extra else file.read_bytes()[:-1])
    assert disk.entries() == []
    assert disk.read(SavedPrefix([0, 1], None, file.name)) is None


def test_only_the_owner_can_read_prefixes(tmp_path: Path) -> None:
    folder = tmp_path / "prefixes"
    disk = DiskCache(folder, "k", MAX_BYTES)
    assert disk.write([0, 1], data_of(0))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())]
    assert modes == [0o700, 0o600]
