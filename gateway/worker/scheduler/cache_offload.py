"""Offloads prefixes that are evicted from the KV cache: to memory, then to disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.worker.scheduler.prefix_cache import common_length, reusable_length
from gateway.worker.scheduler.tuning import MIN_OFFLOAD_TOKENS


@dataclass(frozen=True, slots=True, eq=False)
class SavedPrefix:
    """The saved state of `tokens`: in `data`, or in the file `name` of the disk cache."""

    tokens: list[int]
    data: bytearray | None = None
    name: str = ""


class Disk(Protocol):
    """Keeps saved prefixes beyond the life of a worker."""

    def entries(self) -> list[SavedPrefix]: ...

    def write(self, tokens: list[int], data: bytearray) -> SavedPrefix | None: ...

    def read(self, prefix: SavedPrefix) -> bytearray | None: ...


class CacheOffload:
    """An LRU cache of saved prefixes, of at most `max_bytes` in memory; the rest goes to `disk`.

    Prefixes of fewer than `min_tokens` tokens are not saved. Unless the model `can_truncate` what
    it restores, a saved prefix is used all or not at all.
    """

    def __init__(
        self,
        max_bytes: int = 0,
        disk: Disk | None = None,
        *,
        can_truncate: bool = True,
        min_tokens: int = MIN_OFFLOAD_TOKENS,
    ):
        self._max_bytes = max_bytes
        self._disk = disk
        self.can_truncate = can_truncate
        self._min_tokens = min_tokens
        self._prefixes = disk.entries() if disk else []  # least recently used first

    @property
    def is_enabled(self) -> bool:
        return self._max_bytes > 0

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
            length = reusable_length(prefix.tokens, tokens, self.min_prefix(prefix))
            if length > longest:
                found, longest = prefix, length
        return found, longest

    def min_prefix(self, prefix: SavedPrefix) -> int:
        """The least number of its first tokens that can be reused."""
        return 0 if self.can_truncate else len(prefix.tokens)

    def take(self, prefix: SavedPrefix) -> bytearray | None:
        """The data of a prefix, now the latest used; None if the disk lost or corrupted it."""
        data = prefix.data
        if data is None and self._disk:
            data = self._disk.read(prefix)
        self._prefixes = [other for other in self._prefixes if other.tokens != prefix.tokens]
        if data is not None:
            self._prefixes.append(SavedPrefix(prefix.tokens, data, prefix.name))
            self._evict()
        return data

    def close(self) -> None:
        """Write to the disk what is only in memory."""
        for prefix in self._prefixes:
            if self._disk and prefix.data is not None:
                self._on_disk(prefix)

    def _has(self, tokens: list[int]) -> bool:
        length = len(tokens)
        return any(
            common_length(prefix.tokens, tokens) == length
            for prefix in self._prefixes
            if self.can_truncate or len(prefix.tokens) == length
        )

    def _covers(self, tokens: list[int], prefix: SavedPrefix) -> bool:
        """Whether `tokens` can be restored in place of `prefix`."""
        length = len(prefix.tokens)
        return self.can_truncate and common_length(prefix.tokens, tokens) == length

    def _evict(self) -> None:
        """Remove the least recently used from memory until the rest fits."""
        total, kept = 0, list[SavedPrefix]()
        for prefix in reversed(self._prefixes):
            size = len(prefix.data or b"")
            if total + size <= self._max_bytes or prefix.data is None:
                total += size
                kept.append(prefix)
            elif written := self._on_disk(prefix):
                kept.append(written)
        self._prefixes = kept[::-1]

    def _on_disk(self, prefix: SavedPrefix) -> SavedPrefix | None:
        """`prefix` without its data, which the disk holds; None if it does not."""
        if self._disk is None or prefix.data is None:
            return None
        if prefix.name:
            return SavedPrefix(prefix.tokens, None, prefix.name)
        return self._disk.write(prefix.tokens, prefix.data)
