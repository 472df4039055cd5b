"""Prefixes that had to leave their cells: in memory, and beyond that on disk if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.worker.scheduler.prefix_cache import common, usable

LEAST = 64  # tokens; fewer are as soon read again


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What reading `tokens` has left behind: `data`, or the disk has it under `name`."""

    tokens: list[int]
    data: bytearray | None = None
    name: str = ""


class Disk(Protocol):
    """Keeps entries for longer than a worker lives."""

    def entries(self) -> list[Entry]: ...

    def write(self, tokens: list[int], data: bytearray) -> Entry | None: ...

    def read(self, entry: Entry) -> bytearray | None: ...


class Archive:
    """The latest prefixes, as many as `most_bytes` allow; those of `least` tokens and more.

    Unless the model `forgets_tails` of what is restored, an entry is of use only as a whole.
    """

    def __init__(
        self,
        most_bytes: int = 0,
        disk: Disk | None = None,
        *,
        forgets_tails: bool = True,
        least: int = LEAST,
    ):
        self._most_bytes = most_bytes
        self._disk = disk
        self.forgets_tails = forgets_tails
        self._least = least
        self._entries = disk.entries() if disk else []  # the latest last

    @property
    def is_open(self) -> bool:
        return self._most_bytes > 0

    def wants(self, tokens: list[int]) -> bool:
        """Whether `tokens` are worth keeping, and not kept already."""
        return self.is_open and len(tokens) >= self._least and not self._has(tokens)

    def put(self, tokens: list[int], data: bytearray) -> None:
        self._entries = [entry for entry in self._entries if not self._replaces(tokens, entry)]
        self._entries.append(Entry(tokens, data))
        self._shrink()

    def best(self, tokens: list[int]) -> tuple[Entry | None, int]:
        """The entry that holds the longest usable start of `tokens`, and how long it is."""
        found, longest = None, 0
        for entry in self._entries:
            length = usable(entry.tokens, tokens, self.bound(entry))
            if length > longest:
                found, longest = entry, length
        return found, longest

    def bound(self, entry: Entry) -> int:
        """How many of its first tokens can only be used together."""
        return 0 if self.forgets_tails else len(entry.tokens)

    def take(self, entry: Entry) -> bytearray | None:
        """The data of an entry, now the latest; None if the disk has lost or spoilt it."""
        data = entry.data
        if data is None and self._disk:
            data = self._disk.read(entry)
        self._entries = [other for other in self._entries if other.tokens != entry.tokens]
        if data is not None:
            self._entries.append(Entry(entry.tokens, data, entry.name))
            self._shrink()
        return data

    def close(self) -> None:
        """Have the disk keep what memory holds."""
        for entry in self._entries:
            if self._disk and entry.data is not None:
                self._stored(entry)

    def _has(self, tokens: list[int]) -> bool:
        length = len(tokens)
        return any(
            common(entry.tokens, tokens) == length
            for entry in self._entries
            if self.forgets_tails or len(entry.tokens) == length
        )

    def _replaces(self, tokens: list[int], entry: Entry) -> bool:
        """Whether what `entry` holds can be had of `tokens` too."""
        length = len(entry.tokens)
        return self.forgets_tails and common(entry.tokens, tokens) == length

    def _shrink(self) -> None:
        """Past the budget, the oldest go from memory."""
        total, kept = 0, list[Entry]()
        for entry in reversed(self._entries):
            size = len(entry.data or b"")
            if total + size <= self._most_bytes or entry.data is None:
                total += size
                kept.append(entry)
            elif stored := self._stored(entry):
                kept.append(stored)
        self._entries = kept[::-1]

    def _stored(self, entry: Entry) -> Entry | None:
        if self._disk is None or entry.data is None:
            return None
        if entry.name:
            return Entry(entry.tokens, None, entry.name)
        return self._disk.write(entry.tokens, entry.data)
