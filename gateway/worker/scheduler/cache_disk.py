"""The disk cache: saved prefixes that outlive the worker. It ignores foreign and corrupt files."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import msgspec

from gateway.worker.scheduler.cache_offload import SavedPrefix

MAGIC = b"tool-gateway prefix 1\n"
LENGTH = struct.Struct("!I")
MAX_HEADER_BYTES = 2**26  # far more than the longest context needs


class Header(msgspec.Struct, frozen=True):
    """`key` identifies the model and the settings that the data is valid for."""

    key: str
    tokens: list[int]
    size: int
    digest: bytes


class DiskCache:
    """Keeps saved prefixes as files of at most `max_bytes`; evicts the least recently used.

    It reads only files with the same `key`. Several workers may share a folder.
    """

    def __init__(self, path: Path, key: str, max_bytes: int):
        self._path = path
        self._key = key
        self._max_bytes = max_bytes
        path.mkdir(parents=True, exist_ok=True)

    def entries(self) -> list[SavedPrefix]:
        """The prefixes with this cache's key, least recently used first."""
        found = []
        for file in self._files():
            header = _header(file)
            if header and header.key == self._key:
                found.append(SavedPrefix(header.tokens, None, file.name))
        return found

    def write(self, tokens: list[int], data: bytearray) -> SavedPrefix | None:
        """Save a prefix; None if the disk is full or can't be written to."""
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
        self._evict()
        return SavedPrefix(tokens, None, file.name)

    def read(self, prefix: SavedPrefix) -> bytearray | None:
        """The data of a prefix. If its file is missing or corrupt: None, and it is removed."""
        file = self._path / prefix.name
        header = _header(file)
        if header and header.key == self._key and header.tokens == prefix.tokens:
            with suppress(OSError):
                data = bytearray(file.read_bytes()[-header.size :])
                if _digest(data) == header.digest:
                    os.utime(file)
                    return data
        _remove(file)
        return None

    def _files(self) -> dict[Path, os.stat_result]:
        """All files, least recently used first. Other workers may remove some meanwhile."""
        found = {}
        for file in self._path.glob("*.prefix"):
            with suppress(OSError):
                found[file] = file.stat()
        return dict(sorted(found.items(), key=lambda item: item[1].st_mtime_ns))

    def _evict(self) -> None:
        sizes = {file: stat.st_size for file, stat in self._files().items()}
        for file in _first_of(sizes, sum(sizes.values()) - self._max_bytes):
            _remove(file)


def _first_of(sizes: dict[Path, int], excess: int) -> Iterator[Path]:
    """The first files, as many as have `excess` bytes together."""
    for file, size in sizes.items():
        if excess <= 0:
            return
        excess -= size
        yield file


def _remove(file: Path) -> None:
    """Remove a file if possible; on a read-only disk it stays."""
    with suppress(OSError):
        file.unlink()


def _header(file: Path) -> Header | None:
    if not file.is_file():  # opening a named pipe would block
        return None
    try:
        with file.open("rb") as data:
            if data.read(len(MAGIC)) != MAGIC:
                return None
            [length] = LENGTH.unpack(data.read(LENGTH.size))
            if length > MAX_HEADER_BYTES:
                return None
            return msgspec.msgpack.decode(data.read(length), type=Header)
    except (OSError, struct.error, msgspec.MsgspecError):
        return None


def _digest(data: bytes | bytearray) -> bytes:
    return blake2b(data, digest_size=16).digest()
