"""A folder of prefixes that outlive the worker. What is foreign, stale or spoilt is passed over."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import msgspec

from gateway.worker.scheduler.cache_offload import Entry

MAGIC = b"tool-gateway prefix 1\n"
LENGTH = struct.Struct("!I")
MOST_HEADER = 2**26  # bytes; far more than the longest context needs


class Header(msgspec.Struct, frozen=True):
    """`key` is a digest of all that makes another worker's data useless here."""

    key: str
    tokens: list[int]
    size: int
    digest: bytes


class Folder:
    """Keeps entries as files, at most `most_bytes` of them; the least recently used go first."""

    def __init__(self, path: Path, key: str, most_bytes: int):
        self._path = path
        self._key = key
        self._most_bytes = most_bytes
        path.mkdir(parents=True, exist_ok=True)

    def entries(self) -> list[Entry]:
        """Those with our key, the latest last."""
        found = []
        for file in self._files():
            header = _header(file)
            if header and header.key == self._key:
                found.append(Entry(header.tokens, None, file.name))
        return found

    def write(self, tokens: list[int], data: bytearray) -> Entry | None:
        """Keep an entry; None if the disk does not take it."""
        header = Header(self._key, tokens, len(data), _digest(data))
        packed = msgspec.msgpack.encode(header)
        file = self._path / f"{_digest(packed).hex()}.prefix"
        part = file.with_suffix(f".{os.getpid()}")
        try:
            with part.open("wb") as out:
                out.writelines((MAGIC, LENGTH.pack(len(packed)), packed, data))
            part.replace(file)
        except OSError:
            _remove(part)
            return None
        self._shrink()
        return Entry(tokens, None, file.name)

    def read(self, entry: Entry) -> bytearray | None:
        """An entry's data; None, and the file is gone, if they are not what was written."""
        file = self._path / entry.name
        header = _header(file)
        if header and header.key == self._key and header.tokens == entry.tokens:
            with suppress(OSError):
                data = bytearray(file.read_bytes()[-header.size :])
                if _digest(data) == header.digest:
                    os.utime(file)
                    return data
        _remove(file)
        return None

    def _files(self) -> dict[Path, os.stat_result]:
        """The latest last. Other workers may use the folder, and remove some meanwhile."""
        found = {}
        for file in self._path.glob("*.prefix"):
            with suppress(OSError):
                found[file] = file.stat()
        return dict(sorted(found.items(), key=lambda item: item[1].st_mtime_ns))

    def _shrink(self) -> None:
        sizes = {file: stat.st_size for file, stat in self._files().items()}
        for file in _until(sizes, sum(sizes.values()) - self._most_bytes):
            _remove(file)


def _until(sizes: dict[Path, int], excess: int) -> Iterator[Path]:
    for file, size in sizes.items():
        if excess <= 0:
            return
        excess -= size
        yield file


def _remove(file: Path) -> None:
    """A disk that has become read-only keeps it."""
    with suppress(OSError):
        file.unlink()


def _header(file: Path) -> Header | None:
    try:
        with file.open("rb") as data:
            if data.read(len(MAGIC)) != MAGIC:
                return None
            [length] = LENGTH.unpack(data.read(LENGTH.size))
            if length > MOST_HEADER:
                return None
            return msgspec.msgpack.decode(data.read(length), type=Header)
    except (OSError, struct.error, msgspec.MsgspecError):
        return None


def _digest(data: bytes | bytearray) -> bytes:
    return blake2b(data, digest_size=16).digest()
