"""The disk cache: saved prefixes that outlive the worker. It ignores foreign and corrupt files.

Several workers may share a folder, also those of several gateways. A file gets its name when it is
complete, and its name is the digest of what it contains, so nobody ever changes a file. What a
killed worker left half written is evicted like a prefix that is not used.
"""

from __future__ import annotations

import os
import secrets
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from io import BufferedReader
from itertools import chain
from pathlib import Path

import msgspec

from gateway.worker.scheduler.cache_offload import SavedPrefix

MAGIC = b"tool-gateway prefix 1\n"
LENGTH = struct.Struct("!I")
MAX_HEADER_BYTES = 2**26  # far more than the longest context needs
PREFIX, PART = ".prefix", ".part"
OWNER_ONLY = 0o700, 0o600  # of the folder and of its files, which have the prompts of clients


class Header(msgspec.Struct, frozen=True):
    """`key` identifies the model and the settings that the data is valid for."""

    key: str
    tokens: list[int]
    size: int
    digest: bytes


class DiskCache:
    """Keeps saved prefixes as files of at most `max_bytes`; evicts the least recently used.

    It reads only files with the same `key`. All files in the folder count, whoever wrote them.
    """

    def __init__(self, path: Path, key: str, max_bytes: int):
        self._path = path
        self._key = key
        self._max_bytes = max_bytes
        self._known: set[str] = set()  # the names of the files that `changes` has seen
        path.mkdir(OWNER_ONLY[0], parents=True, exist_ok=True)

    def entries(self) -> list[SavedPrefix]:
        """The prefixes with this cache's key, least recently used first."""
        return self._read_headers(self._files())

    def changes(self) -> tuple[list[SavedPrefix], set[str]]:
        """What others have added since the last call, and the names of the files that are gone."""
        try:
            names = {name for name in os.listdir(self._path) if name.endswith(PREFIX)}
        except OSError:
            names = set()
        added, gone = names - self._known, self._known - names
        self._known = names
        return self._read_headers(self._path / name for name in sorted(added)), gone

    def _read_headers(self, files: Iterable[Path]) -> list[SavedPrefix]:
        found = []
        for file in files:
            with suppress(OSError), _opened(file) as data:
                header = _header(data) if file.suffix == PREFIX else None
                if header and header.key == self._key:
                    found.append(SavedPrefix(header.tokens, None, file.name))
        return found

    def write(self, tokens: list[int], data: bytearray) -> SavedPrefix | None:
        """Save a prefix; None if the disk is full or can't be written to."""
        header = Header(self._key, tokens, len(data), _digest(data))
        packed = msgspec.msgpack.encode(header)
        file = self._path / f"{_digest(packed).hex()}{PREFIX}"
        part = file.with_suffix(f".{secrets.token_hex(8)}{PART}")
        try:
            with open(part, "xb", opener=_owner_only) as out:
                out.writelines((MAGIC, LENGTH.pack(len(packed)), packed, data))
            self._known.add(file.name)
            part.replace(file)
        except OSError:
            _remove(part)
            return None
        self._evict()
        return SavedPrefix(tokens, None, file.name)

    def read(self, prefix: SavedPrefix) -> bytearray | None:
        """The data of a prefix. If its file is missing or corrupt: None, and it is removed."""
        file = self._path / prefix.name
        with suppress(OSError), _opened(file) as data:
            header = _header(data)
            if header and header.key == self._key and header.tokens == prefix.tokens:
                state = bytearray(header.size)
                if data.readinto(state) == header.size and _digest(state) == header.digest:
                    os.utime(data.fileno())
                    return state
        _remove(file)
        return None

    def _files(self) -> dict[Path, os.stat_result]:
        """All files, least recently used first. Other workers may remove some meanwhile."""
        found = {}
        for file in chain(self._path.glob(f"*{PREFIX}"), self._path.glob(f"*{PART}")):
            with suppress(OSError):
                found[file] = file.stat()
        return dict(sorted(found.items(), key=lambda item: item[1].st_mtime_ns))

    def _evict(self) -> None:
        """Remove the least recently used files until the rest fits, whoever wrote them."""
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


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, OWNER_ONLY[1])


def _opened(file: Path) -> BufferedReader:
    """`file`, open for reading; raises OSError unless it is a regular file."""
    if not file.is_file():  # opening a named pipe would block
        raise FileNotFoundError(file)
    return file.open("rb")


def _header(data: BufferedReader) -> Header | None:
    """The header at the start of `data`, unless it is not one or the rest is not as long."""
    try:
        if data.read(len(MAGIC)) != MAGIC:
            return None
        [length] = LENGTH.unpack(data.read(LENGTH.size))
        if length > MAX_HEADER_BYTES:
            return None
        header = msgspec.msgpack.decode(data.read(length), type=Header)
    except (struct.error, msgspec.MsgspecError):
        return None
    return header if header.size == os.fstat(data.fileno()).st_size - data.tell() else None


def _digest(data: bytes | bytearray) -> bytes:
    return blake2b(data, digest_size=16).digest()
