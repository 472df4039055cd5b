"""Offloads prefixes that are evicted from the KV cache: to memory, then to disk."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Protocol, TypeVar

from gateway.worker.scheduler.prefix_cache import reusable_length, starts_with
from gateway.worker.scheduler.tuning import MIN_OFFLOAD_TOKENS


@dataclass(slots=True, eq=False)
class SavedPrefix:
    """The saved state of `tokens`: in `data`, or in the file `name` of the disk cache.

    With neither it is lost.
    """

    tokens: list[int]
    data: bytearray | None = None
    name: str = ""

    @property
    def is_lost(self) -> bool:
        return self.data is None and not self.name


T = TypeVar("T")
A = TypeVar("A")


class Submit(Protocol):
    """Starts a call in the background, as `Executor.submit` does."""

    def __call__(self, work: Callable[[A], T], argument: A, /) -> Future[T]: ...


def at_once(work: Callable[[A], T], argument: A, /) -> Future[T]:
    """Calls `work` in the foreground."""
    future = Future[T]()
    future.set_result(work(argument))
    return future


class Disk(Protocol):
    """Keeps saved prefixes beyond the life of a worker, and for other workers."""

    def changes(self) -> tuple[list[SavedPrefix], set[str]]: ...

    def write(self, tokens: list[int], data: bytearray) -> SavedPrefix | None: ...

    def read(self, prefix: SavedPrefix) -> bytearray | None: ...


class CacheOffload:
    """An LRU cache of saved prefixes, of at most `max_bytes` in memory; the rest goes to `disk`.

    Prefixes of fewer than `min_tokens` tokens are not saved. Unless the model `can_truncate` what
    it restores, a saved prefix is used all or not at all. `submit` runs the disk's work; up to
    `max_bytes` more are in memory while they are written.
    """

    def __init__(
        self,
        max_bytes: int = 0,
        disk: Disk | None = None,
        *,
        can_truncate: bool = True,
        min_tokens: int = MIN_OFFLOAD_TOKENS,
        submit: Submit = at_once,
    ):
        self._max_bytes = max_bytes
        self._disk = disk
        self.can_truncate = can_truncate
        self._min_tokens = min_tokens
        self._submit = submit
        self._prefixes: list[SavedPrefix] = []  # least recently used first
        self._writing: dict[SavedPrefix, Future[None]] = {}
        self._reading: dict[SavedPrefix, Future[bytearray | None]] = {}  # one at most
        self.refresh()

    @property
    def is_enabled(self) -> bool:
        return self._max_bytes > 0

    def refresh(self) -> None:
        """Takes notice of what other workers have saved on the disk and removed from it."""
        if self._disk is None:
            return
        added, gone = self._disk.changes()
        for prefix in self._prefixes:
            if prefix.name in gone:
                prefix.name = ""
        self._prefixes = added + [prefix for prefix in self._prefixes if not prefix.is_lost]

    def should_save(self, tokens: list[int]) -> bool:
        """Whether `tokens` are long enough to be saved, and not saved yet."""
        return self.is_enabled and len(tokens) >= self._min_tokens and not self._has(tokens)

    def put(self, tokens: list[int], data: bytearray) -> None:
        self._prefixes = [other for other in self._prefixes if not self._covers(tokens, other)]
        self._prefixes.append(SavedPrefix(tokens, data))
        self._evict()

    def longest_prefix(self, tokens: list[int]) -> tuple[SavedPrefix | None, int]:
        """The saved prefix that spares most of `tokens`, and how many."""
        found, longest = None, 0
        for prefix in self._prefixes:
            if prefix.is_lost:
                continue
            if tokens[longest : longest + 1] == prefix.tokens[longest : longest + 1]:
                length = reusable_length(prefix.tokens, tokens, self.min_prefix(prefix))
                if length > longest:
                    found, longest = prefix, length
        return found, longest

    def min_prefix(self, prefix: SavedPrefix) -> int:
        """The least number of its first tokens that can be reused."""
        return 0 if self.can_truncate else len(prefix.tokens)

    def prefetch(self, prefix: SavedPrefix) -> bool:
        """Begin to read a prefix that is on the disk; whether `take` would wait for it."""
        if prefix.data is not None or self._disk is None:
            return False
        if prefix not in self._reading:
            self._reading = {prefix: self._submit(self._disk.read, prefix)}
        return not self._reading[prefix].done()

    def take(self, prefix: SavedPrefix) -> bytearray | None:
        """The data of a prefix, now the latest used; None if the disk lost or corrupted it."""
        data = prefix.data
        if data is None and self._disk:
            reading = self._reading.pop(prefix, None)
            data = reading.result() if reading else self._disk.read(prefix)
        self._prefixes = [other for other in self._prefixes if other.tokens != prefix.tokens]
        if data is not None:
            self._prefixes.append(SavedPrefix(prefix.tokens, data, prefix.name))
            self._evict()
        return data

    def close(self) -> None:
        """Write to the disk what is only in memory."""
        wait(self._writing.values())
        for prefix in self._prefixes:
            if self._disk and prefix.data is not None and not prefix.name:
                self._disk.write(prefix.tokens, prefix.data)

    def _has(self, tokens: list[int]) -> bool:
        return any(
            starts_with(prefix.tokens, tokens)
            for prefix in self._prefixes
            if not prefix.is_lost
            if self.can_truncate or len(prefix.tokens) == len(tokens)
        )

    def _covers(self, tokens: list[int], prefix: SavedPrefix) -> bool:
        """Whether `tokens` can be restored in place of `prefix`."""
        return self.can_truncate and starts_with(tokens, prefix.tokens)

    def _evict(self) -> None:
        """Remove the least recently used from memory until the rest fits."""
        self._writing = self._unwritten()
        total, kept = 0, list[SavedPrefix]()
        for prefix in reversed(self._prefixes):
            size = len(prefix.data or b"")
            if prefix in self._writing or (prefix.data is None and prefix.name):
                kept.append(prefix)
            elif 0 < size <= self._max_bytes - total:
                total += size
                kept.append(prefix)
            elif prefix.data is not None and prefix.name:
                kept.append(SavedPrefix(prefix.tokens, None, prefix.name))
            elif prefix.data is not None and self._disk:
                self._write(self._disk, prefix, prefix.data)
                kept.append(prefix)
        self._prefixes = kept[::-1]

    def _write(self, disk: Disk, prefix: SavedPrefix, data: bytearray) -> None:
        """Begin to write a prefix; first wait for others if all of them are too many bytes."""

        def write(data: bytearray) -> None:
            written = disk.write(prefix.tokens, data)
            prefix.name = written.name if written else ""
            prefix.data = None

        while (others := self._unwritten()) and (
            len(data) + sum(len(other.data or b"") for other in others) > self._max_bytes
        ):
            wait(others.values(), return_when=FIRST_COMPLETED)
        self._writing[prefix] = self._submit(write, data)

    def _unwritten(self) -> dict[SavedPrefix, Future[None]]:
        return {prefix: work for prefix, work in self._writing.items() if not work.done()}
